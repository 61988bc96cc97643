"""One, two and four gateways on one JetStream, on the cores that there are: `make bench-scaleout`.

Informs of 40 devices, 400 under way, each acknowledged once it is in the stream; then the time until all are told.
"""

from __future__ import annotations

import os
import select
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from benchmarks.bmc import processor_s
from benchmarks.traps import inform
from tests.support.nats import NatsServer, nats_server
from tests.support.sites import Site

GATEWAYS = (1, 2, 4)
DEVICES, UNDER_WAY_EACH = 40, 10
INFORMS = 8_000
REPEATS = 3
PARTITIONS = 8


class ScaleoutFigure(NamedTuple):
    """Informs acknowledged and told a second, and the busy cores of the gateways and of the JetStream meanwhile."""

    acknowledged_per_s: float
    told_per_s: float
    gateways_cores: float
    server_cores: float


def address(device: int) -> str:
    return f"127.0.9.{device + 1}"


def told(sites: Sequence[Site]) -> int:
    """Datagrams that became events, at all gateways together."""
    total = 0
    for site in sites:
        with urlopen(f"http://{site.api}/metrics", timeout=20) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith('ridethrough_datagrams_total{outcome="notification"}'):
                    total += int(float(line.rpartition(" ")[2]))
    return total


def shared(sites: Sequence[Site]) -> bool:
    """Return True when each gateway has its part of the devices."""
    return all(len(site.ask("/v1/journal")["owned"]) == PARTITIONS // len(sites) for site in sites)


def send(sites: Sequence[Site]) -> float:
    """Seconds until every inform has been acknowledged."""
    senders = []
    for device in range(DEVICES):
        sender = socket.socket(type=socket.SOCK_DGRAM)
        sender.bind((address(device), 0))
        sender.connect(("127.0.0.1", sites[device % len(sites)].trap))
        sender.setblocking(False)
        senders.append(sender)
    try:
        datagrams = iter([data for _, data in map(inform, range(INFORMS))])
        begun = time.perf_counter()
        for sender in senders:
            for _ in range(UNDER_WAY_EACH):
                sender.send(next(datagrams))
        answered = 0
        while answered < INFORMS:
            ready, _, _ = select.select(senders, [], [], 20)
            if not ready:
                raise SystemExit(f"{INFORMS - answered} informs were not acknowledged")
            for sender in ready:
                sender.recv(2048)
                answered += 1
                if (data := next(datagrams, None)) is not None:
                    sender.send(data)
        return time.perf_counter() - begun
    finally:
        for sender in senders:
            sender.close()


def measure(server: NatsServer, folder: Path, count: int) -> ScaleoutFigure:
    journal = {"jetstream": {"login": {"servers": [server.url]}, "partitions": PARTITIONS}}
    devices = {
        f"UPS{device}": {"kind": "ups", "address": address(device), "silence_s": 99999} for device in range(DEVICES)
    }
    sites = []
    try:
        for number in range(count):
            (folder / f"{number}").mkdir()
            correlate = {"storms": None, "flaps": None}
            sites.append(Site(folder / f"{number}", journal=journal, devices=devices, correlate=correlate))
        while not shared(sites):
            time.sleep(0.2)
        pids = [site.process.pid for site in sites]
        before, server_before = sum(map(processor_s, pids)), processor_s(server.process.pid)
        begun = time.perf_counter()
        sent_s = send(sites)
        while told(sites) < INFORMS:
            time.sleep(0.05)
        all_s = time.perf_counter() - begun
        used_s, server_s = sum(map(processor_s, pids)) - before, processor_s(server.process.pid) - server_before
        return ScaleoutFigure(INFORMS / sent_s, INFORMS / all_s, used_s / all_s, server_s / all_s)
    finally:
        for site in sites:
            site.close()


def main() -> None:
    print(f"{os.cpu_count()} cores for gateways, JetStream and senders together; medians of {REPEATS}")
    for count in GATEWAYS:
        figures = []
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as name, nats_server(Path(name)) as server:
                figures.append(measure(server, Path(name), count))
        acknowledged, told_, ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
        print(
            f"  {count} gateways: {acknowledged:,.0f} informs acknowledged/s, {told_:,.0f} told/s; "
            f"busy cores: gateways {ours:.2f}, JetStream {theirs:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
