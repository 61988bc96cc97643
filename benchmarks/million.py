"""A million devices on paper and in simulation: cells of gateways, what they cost, and what a failure takes with it.

`python -m benchmarks.million` takes the rates that were measured on one core (docs/benchmarks.md), divides a million
devices into cells of equal size, lets half of all mains fail at one instant, and gateways fail at random over a year.
Nothing is measured here; the same seed gives the same table.
"""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

UPSS = BMCS = 500_000
# Measured, on one core: docs/benchmarks.md, sections Polling, Heartbeats, Notifications.
POLLED_PER_CORE = 5_000 / 0.191  # UPSs, ten objects each, every 8 s
BEATEN_PER_CORE = 10_000 / 0.134  # BMCs, a presence ping every 3 s
EVENTS_PER_S = 14_445  # trap to event in the outbox, checkout
GATEWAY_MIB, DEVICE_KIB = 93, (131 - 93) * 1024 / 5_000
LEASE_S = 3.0  # a partition's, gateway/pipeline/cluster.py
SPARE = 0.5  # of a core that is kept for events
# Not measured: what we suppose.
EVENTS_EACH = 3  # of a UPS whose mains fail: lost, outage, and one of its server's BMC
SPREAD_S = 2.0  # in which cards notice that their mains have failed
FAILURES_PER_YEAR = 12  # of a gateway's process or machine
REPAIR_S = 600.0
YEAR_S = 365 * 86_400
FIELD = 0.5  # share of the mains that fail at once
SEED = 1


class Cell(NamedTuple):
    """Two gateways and a JetStream of three servers, with a share of the devices, by site."""

    devices: int

    @property
    def cells(self) -> int:
        return math.ceil((UPSS + BMCS) / self.devices)

    @property
    def busy(self) -> float:
        """Cores for polls and heartbeats."""
        return self.devices / 2 / POLLED_PER_CORE + self.devices / 2 / BEATEN_PER_CORE

    @property
    def processes(self) -> int:
        """Gateways that are needed while all goes well, and one that may fail."""
        return math.ceil(self.busy / SPARE) + 1

    @property
    def mib(self) -> float:
        return self.processes * (GATEWAY_MIB + self.devices / (self.processes - 1) * DEVICE_KIB / 1024)


def outage(cell: Cell, chance: Random) -> float:
    """The longest wait of an event, in seconds.

    Half of a cell's UPSs notice within moments; their events queue before what is left of the cell's cores.
    """
    workers = cell.processes - 1
    free = (workers - cell.busy) / workers  # of each
    service_s = 1 / (EVENTS_PER_S * free * workers)
    arrivals = sorted(chance.uniform(0, SPREAD_S) for _ in range(round(cell.devices / 2 * FIELD) * EVENTS_EACH))
    worst_s, done = 0.0, 0.0
    for at in arrivals:
        done = max(done, at) + service_s
        worst_s = max(worst_s, done - at)
    return worst_s


class Year(NamedTuple):
    """Consequences of one year of random failures of all cells together."""

    unseen_share: float
    dark_cells: int


def year(cell: Cell, chance: Random) -> Year:
    """Each failure leaves its devices unseen for a lease; a cell without any gateway until one is repaired."""
    unseen_s, dark, dark_s = 0.0, 0, 0.0
    for _ in range(cell.cells):
        ends: list[float] = []
        for at in sorted(chance.uniform(0, YEAR_S) for _ in range(cell.processes * FAILURES_PER_YEAR)):
            ends = [end for end in ends if end > at]
            if len(ends) == cell.processes:
                continue  # there was none left to fail
            unseen_s += LEASE_S * cell.devices / max(1, cell.processes - len(ends))
            ends.append(at + chance.expovariate(1 / REPAIR_S))
            if len(ends) == cell.processes:
                dark += 1
                dark_s += (min(ends) - at) * cell.devices
    whole = (UPSS + BMCS) * YEAR_S
    return Year((unseen_s + dark_s) / whole, dark)


def main() -> None:
    heads = (
        "devices in a cell",
        "cells",
        "gateways in each",
        "cores busy, all",
        "memory, all",
        "worst wait of an event, half of all mains fail",
        "a device is unseen, a year",
        "cells without any gateway for a while, a year",
    )
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for devices in (2_000, 5_000, 10_000, 20_000, 50_000):
        cell, chance = Cell(devices), Random(SEED)
        worst_s, through = outage(cell, chance), year(cell, chance)
        print(
            f"| {devices:,} | {cell.cells} | {cell.processes} | {cell.cells * cell.busy:.0f} | "
            f"{cell.cells * cell.mib / 1024:.0f} GiB | {worst_s:.2f} s | "
            f"{through.unseen_share * YEAR_S:.0f} s | {through.dark_cells} |"
        )


if __name__ == "__main__":
    main()
