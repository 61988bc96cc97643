"""Ten thousand devices in one process: their start, their memory, how fast they answer: `make bench-scale`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from benchmarks.load import CORE, FIRST_ID, Address, community_requests
from benchmarks.peers import CORE as AGENT_CORE
from benchmarks.peers import memory_kib
from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.generate import generated
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire import rmcp
from ridethrough.wire.snmp import Kind

REPEATS = 5
SECONDS = 2.0
WINDOW = 32
MANY = 10_000
HALF = 5_000
START_S, START_MIB, CARD_KIB, SHARE = 20, 1536, 64, 0.8  # targets of design.md section 11
DEADLINE_S = 120
IDENT_MODEL = Oid.parse("1.3.6.1.4.1.318.1.1.1.1.1.1.0")


class Running(NamedTuple):
    """A rig that has answered, how long that took, and where its devices are."""

    pid: int
    first_answer_s: float
    cards: list[Address]
    bmcs: list[Address]

    @property
    def kib(self) -> int:
        return memory_kib(self.pid)


@contextmanager
def rig(verb: str, ups: int, bmcs: int, folder: Path) -> Iterator[Running]:
    """`ridethrough VERB` on a generated rig, from the start of the process to the answers of its last devices."""
    document = generated(ups, bmcs, "smart-ups-1400-100v")
    document["ports"] |= {name: free_port() for name in ("snmp", "trap", "ipmi")} | {"echo": "off"}
    file = folder / f"{verb}-{ups}-{bmcs}.yaml"
    with file.open("w") as stream:
        YAML(typ="safe", pure=True).dump(document, stream)
    ports = document["ports"]
    cards = [(row["address"], ports["snmp"]) for row in document["ups"].values()]
    lans = [(row["bmc"]["address"], ports["ipmi"]) for row in document["servers"].values()]
    command = [sys.executable, "-m", "ridethrough", verb, str(file), "--http", f"127.0.0.1:{free_port()}"]
    begun = time.monotonic()
    with (folder / "log").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    os.sched_setaffinity(process.pid, {AGENT_CORE})
    try:
        (get,) = community_requests(Kind.GET, [IDENT_MODEL])
        for address, question in [(cards[-1:], get), (lans[-1:], rmcp.encode_ping(1))]:
            for one in address:
                _answered(one, question, process, folder / "log")
        yield Running(process.pid, time.monotonic() - begun, cards, lans)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answered(address: Address, question: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.05)
        while time.monotonic() < deadline and process.poll() is None:
            sender.sendto(question, address)
            try:
                sender.recv(2048)
            except TimeoutError:
                continue
            return
    raise SystemExit(f"{address} does not answer:\n{log.read_text()[-2000:]}")


class SizeRate(NamedTuple):
    """Answers a second, and at which share of its looks the generator found none: it was the faster one."""

    per_s: float
    waited: float


def rate(addresses: Sequence[Address]) -> SizeRate:
    """GETs with the addresses in turn, `WINDOW` under way; each has an identifier of its own."""
    os.sched_setaffinity(0, {CORE})
    (request,) = community_requests(Kind.GET, [IDENT_MODEL])
    place = request.index(FIRST_ID.to_bytes(4, "big"))
    head, tail = request[:place], request[place + 4 :]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sender.setblocking(False)
        under_way = answered = sent = missed = 0
        begun = heard = time.perf_counter()
        while (now := time.perf_counter()) < begun + SECONDS:
            while under_way < WINDOW:
                identifier = (FIRST_ID + sent).to_bytes(4, "big")
                sender.sendto(head + identifier + tail, addresses[sent % len(addresses)])
                sent += 1
                under_way += 1
            try:
                sender.recv(2048)
            except BlockingIOError:
                missed += 1
                if now - heard > 1:
                    raise SystemExit(f"{under_way} requests were not answered") from None
                continue
            heard = now
            answered += 1
            under_way -= 1
        return SizeRate(answered / (time.perf_counter() - begun), missed / (missed + answered))


def _middle(found: Sequence[SizeRate]) -> SizeRate:
    return sorted(found)[len(found) // 2]


def start(folder: Path) -> None:
    for verb, ups, bmcs in (("emulators", HALF, HALF), ("run", HALF, HALF)):
        with rig(verb, ups, bmcs, folder) as running:
            mib = running.kib / 1024
            print(
                f"ridethrough {verb}, {ups:,} UPSs and {bmcs:,} servers with BMCs: first answer of the last after "
                f"{running.first_answer_s:.1f} s (target {START_S}), {mib:,.0f} MiB (target {START_MIB:,})",
                flush=True,
            )


def cards(folder: Path) -> None:
    with rig("emulators", 1, 0, folder) as single, rig("emulators", MANY, 0, folder) as running:
        alone_kib = single.kib
        each_kib = (running.kib - alone_kib) / (MANY - 1)
        rate(running.cards)  # each is asked for the first time here, which takes longer
        one, many, few = [], [], []
        for _ in range(REPEATS):
            one.append(rate(single.cards))
            many.append(rate(running.cards))
            few.append(rate(running.cards[:100]))
        asked_kib = (running.kib - alone_kib) / (MANY - 1)
    share = _middle(many).per_s / _middle(one).per_s
    print(f"{MANY:,} cards: {each_kib:.0f} KiB each, {asked_kib:.0f} once all were asked (target {CARD_KIB})")
    for what, found in (("one card", one), (f"{MANY:,} cards in turn", many), ("100 of them in turn", few)):
        middle = _middle(found)
        print(
            f"  GET, {what}: {middle.per_s:,.0f}/s ({min(found).per_s:,.0f} to {max(found).per_s:,.0f}), "
            f"the generator waited at {middle.waited:.0%} of its looks"
        )
    print(f"  {share:.2f} of one card's rate (target {SHARE})", flush=True)


def controllers(folder: Path) -> None:
    with rig("emulators", 0, 1, folder) as single:
        alone_kib = single.kib
    with rig("emulators", 0, MANY, folder) as running:
        each_kib = (running.kib - alone_kib) / (MANY - 1)
        print(
            f"{MANY:,} BMCs with server and power supply: {each_kib:.0f} KiB each (target {CARD_KIB}), "
            f"first answer after {running.first_answer_s:.1f} s",
            flush=True,
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for part in (cards, controllers, start):
            part(Path(name))


if __name__ == "__main__":
    main()
