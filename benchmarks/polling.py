"""Five thousand UPSs asked for ten objects every eight seconds by one gateway: `make bench-polling`.

One process plays the cards: it answers each question from the address that was asked.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing import Process
from pathlib import Path
from urllib.request import urlopen

from ruamel.yaml import YAML

from benchmarks.bmc import processor_s
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind, decode, encode

COUNT = 5_000
POLL_S = 8
SECONDS = 40.0
IP_PKTINFO = 8  # ip(7)
TARGET = 0.5  # of a core


def address(index: int) -> str:
    return f"127.5.{index // 250}.{index % 250 + 1}"


def cards(port: int) -> None:
    """Answer for ever."""
    known: dict[bytes, bytes] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        one.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        one.bind(("0.0.0.0", port))
        while True:
            data, ancillary, _, peer = one.recvmsg(4096, 64)
            message = decode(data)
            if not isinstance(message.pdu, Pdu):
                continue
            varbinds = tuple(VarBind(bind.oid, Tag.INTEGER, 2) for bind in message.pdu.varbinds)
            answer = encode(message._replace(pdu=Pdu(Kind.RESPONSE, message.pdu.request_id, 0, 0, varbinds)))
            asked = ancillary[0][2][8:12]
            info = known.setdefault(asked, bytes(4) + asked + bytes(4))
            one.sendmsg([answer], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, peer)


def main() -> None:
    port, http = free_port(), f"127.0.0.1:{free_port()}"
    peer = Process(target=cards, args=(port,), daemon=True)
    peer.start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        devices = {
            f"UPS{index}": {"kind": "ups", "address": address(index), "snmp": {"port": port}, "poll_s": POLL_S}
            for index in range(COUNT)
        }
        with (folder / "site.yaml").open("w") as stream:
            YAML().dump({"devices": devices, "listen": [{"port": free_port()}], "api": {"bind": http}}, stream)
        words = ["gateway", str(folder / "site.yaml"), "--data", str(folder / "db")]
        command = [sys.executable, "-m", "ridethrough", *words]
        begun = time.monotonic()
        with (folder / "log").open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            while "gateway ready" not in (folder / "log").read_text():
                time.sleep(0.1)
            ready_s = time.monotonic() - begun
            time.sleep(2 * POLL_S)
            before, at = processor_s(process.pid), time.monotonic()
            time.sleep(SECONDS)
            share = (processor_s(process.pid) - before) / (time.monotonic() - at)
            with urlopen(f"http://{http}/v1/events?last=1000", timeout=20) as answer:
                lost = answer.read().count(b"ups.card.lost")
            with urlopen(f"http://{http}/v1/devices", timeout=20) as answer:
                heard = answer.read().count(b'"heard_s_ago":')
            resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            process.terminate()
            process.wait(timeout=30)
            peer.terminate()
    print(f"{heard:,} UPSs every {POLL_S} s: {share:.1%} of a core (target {TARGET:.0%}), {lost} counted as lost,")
    print(f"{resident / 1048576:.0f} MiB resident, ready after {ready_s:.1f} s")


if __name__ == "__main__":
    main()
