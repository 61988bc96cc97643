"""A burst that the socket's buffer cannot hold: what the kernel drops is counted and told."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from gateway.receive.overruns import counts
from tests.support.live import stop
from tests.support.sites import Site
from tests.support.vectors import vector


def get(site: Site, path: str) -> Any:
    with urlopen(f"http://{site.api}{path}", timeout=20) as answer:
        return json.load(answer)


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
        assert lost[0]["subject"] == f"127.0.0.1:{site.trap}"
    finally:
        site.process.send_signal(signal.SIGCONT)
        stop(site.process)


def test_the_kernel_s_table() -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    row = "  123: 0100007F:00A2 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 17\n"
    assert counts(head + row) == {4711: 17}
    assert counts(head) == counts("") == {}
