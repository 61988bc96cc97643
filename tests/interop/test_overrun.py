"""A burst that the socket's buffer cannot hold: what the kernel drops is counted and told."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.live import stop
from tests.support.sites import Site
from tests.support.vectors import vector


def get(site: Site, path: str) -> Any:
    with urlopen(f"http://{site.api}{path}", timeout=20) as answer:
        return json.load(answer)


def drops(site: Site) -> int:
    """As the kernel's table has it (proc(5))."""
    table = Path(f"/proc/{site.process.pid}/net/udp").read_text()
    (row,) = [line.split() for line in table.splitlines() if line.split()[1] == f"0100007F:{site.trap:04X}"]
    return int(row[12])


def test_sent_is_received_and_lost(tmp_path: Path) -> None:
    site = Site(tmp_path, {})
    data = vector("net-snmp-trap-v2c")
    try:
        (listener,) = get(site, "/v1/journal")["listeners"]
        count = listener["buffer_octets"] // len(data)  # each takes more than its own octets
        site.process.send_signal(signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", site.trap))
            for _ in range(count):
                sender.send(data)
        site.process.send_signal(signal.SIGCONT)
        lost: list[dict[str, Any]] = []
        while not lost:  # the test's own timeout bounds this
            lost = [event for event in get(site, "/v1/events?last=200")["events"] if event["type"] == "trap.lost"]
        (listener,) = get(site, "/v1/journal")["listeners"]
        assert listener["dropped_by_kernel"] == sum(event["data"]["lost"] for event in lost) > 0
        assert listener["received"] + listener["dropped_by_kernel"] == count
        assert listener["dropped_by_kernel"] == drops(site)
        assert lost[0]["subject"] == f"127.0.0.1:{site.trap}"
    finally:
        site.process.send_signal(signal.SIGCONT)
        stop(site.process)
