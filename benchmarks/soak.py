"""`make soak`: days of a rig in minutes, with an outage every hour, watching memory and file descriptors."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import structlog

from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import Clock, run
from ridethrough.rigs.rigfile.schema import load_rig
from ridethrough.rigs.runtime import assemble

RIG = Path(__file__).parent.parent / "rigs" / "samples" / "a1080a-pair.yaml"
HOUR_S = 3600
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def soak(hours: int) -> bool:
    process = assemble(load_rig(RIG, "high"), standard_tree(), Clock(0), "max", bind="127.0.0.1:0")
    await process.start()
    plant = process.emulators
    if plant is None:
        raise SystemExit("the rig has no emulators")
    marks: list[tuple[int, int]] = []
    try:
        for hour in range(hours):
            await asyncio.sleep(HOUR_S / 2)
            plant.inject("city", "off", [])
            await asyncio.sleep(90)
            plant.inject("city", "on", [])
            await asyncio.sleep(HOUR_S / 2 - 90)
            marks.append((resident_kib(), descriptors()))
            if hour % 12 == 11:
                events = (await process.gateway.backend.journal()).events
                print(f"{hour + 1:>4} h  {marks[-1][0]:>8} KiB  {marks[-1][1]:>3} descriptors  {events} events")
    finally:
        await process.stop()
    # The journal of this run lives in memory, so it may grow by what it holds: 4 KiB an event is generous.
    settled = marks[len(marks) // 4]
    grown = marks[-1][0] - settled[0]
    allowed = 4 * 8 * hours + 4096
    print(f"grown by {grown} KiB since a quarter of the run, allowed {allowed} KiB")
    print(f"descriptors: {settled[1]} then, {marks[-1][1]} at the end")
    return grown <= allowed and marks[-1][1] == settled[1]


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.exit(0 if run(soak(int(sys.argv[1]) if len(sys.argv) > 1 else 168), "max") else 1)
