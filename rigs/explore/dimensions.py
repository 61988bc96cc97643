"""Variations from run to run: one row for each dimension, with the disturbances that it has on a rig. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ridethrough.rigs.explore.timeline import Spell
from ridethrough.rigs.rigfile.schema import RigFile

SAG_PERCENT, SWELL_PERCENT = 80, 125
SLOW_MS = 2500
CHARGES = (80, 40, 15)
AGE_YEARS = 4
LOADS = (0.5, 2.0)
FAULTS = ("memory_uncorrectable", "watchdog_reset")


class Disturbance(NamedTuple):
    """A thing that may happen to a rig, at any time: several things at once where they have one cause."""

    begins: tuple[str, ...]
    ends: tuple[str, ...]
    """One for each of `begins`; empty texts for what only happens."""
    patch: Mapping[str, Any] = {}
    """Laid over the rig file: what no input changes."""

    def spells(self, at_s: float, until_s: float) -> tuple[Spell, ...]:
        """The same, with its times."""
        return tuple(Spell(*words, at_s, until_s) for words in zip(self.begins, self.ends, strict=True))


class Dimension(NamedTuple):
    """One kind of what varies."""

    name: str
    description: str
    find: Callable[[RigFile], Iterator[Disturbance]]
    at_start: bool = False
    """It belongs to the state in which a run begins."""


def one(begin: str, end: str = "") -> Disturbance:
    """A disturbance of one place."""
    return Disturbance((begin,), (end,))


def _mains(rig: RigFile) -> Iterator[Disturbance]:
    names = list(rig.mains)
    if len(names) > 1:
        yield Disturbance(tuple(f"{name} off" for name in names), tuple(f"{name} on" for name in names))
    yield from (one(f"{name} off", f"{name} on") for name in names)


def _line(rig: RigFile) -> Iterator[Disturbance]:
    for name in rig.mains:
        yield one(f"{name} sag {SAG_PERCENT}", f"{name} on")
        yield one(f"{name} swell {SWELL_PERCENT}", f"{name} on")


def _charge(rig: RigFile) -> Iterator[Disturbance]:
    for percent in CHARGES:
        if rig.ups:
            yield Disturbance(tuple(f"{name} charge {percent}" for name in rig.ups), ("",) * len(rig.ups))


def _batteries(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{name} charge {CHARGES[-1]}") for name in rig.ups)


def _ages(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{name} age {AGE_YEARS}") for name in rig.ups)


def _load(rig: RigFile) -> Iterator[Disturbance]:
    for factor in LOADS:
        loads = {name: {"load_w": round(server.load_w * factor)} for name, server in rig.servers.items()}
        yield Disturbance((), (), {"servers": loads})


def _cards(rig: RigFile) -> Iterator[Disturbance]:
    if len(rig.ups) > 1:
        yield Disturbance(tuple(f"{name} mute" for name in rig.ups), tuple(f"{name} unmute" for name in rig.ups))
    yield from (one(f"{name} mute", f"{name} unmute") for name in rig.ups)


def _slow(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{name} slow {SLOW_MS}", f"{name} smooth") for name in rig.ups)


def _links(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{name} link_down", f"{name} link_up") for name in rig.ups)


def _hubs(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{name} break", f"{name} repair") for name in rig.hubs)


def _faults(rig: RigFile) -> Iterator[Disturbance]:
    for name, server in rig.servers.items():
        if server.bmc is not None:
            yield from (one(f"{name}.bmc {fault}", f"{name}.bmc clear") for fault in FAULTS)


def _lan(rig: RigFile) -> Iterator[Disturbance]:
    for name, server in rig.servers.items():
        if server.bmc is not None:
            yield one(f"{name}.bmc lan_cut", f"{name}.bmc lan_mend")


def _gateway(rig: RigFile) -> Iterator[Disturbance]:
    if rig.ups or rig.servers:
        yield one("gateway kill", "gateway restart")


def _controllers(rig: RigFile) -> Iterator[Disturbance]:
    yield from (one(f"{item.name} kill", f"{item.name} restart") for item in rig.controllers)


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("mains", "mains fail and return, each and all together", _mains),
    Dimension("line", f"the line sags to {SAG_PERCENT} % or swells to {SWELL_PERCENT} %", _line),
    Dimension("charge", "batteries begin partly discharged, all alike", _charge, at_start=True),
    Dimension("battery", f"one battery begins at {CHARGES[-1]} %", _batteries, at_start=True),
    Dimension("age", f"a battery is {AGE_YEARS} years old", _ages, at_start=True),
    Dimension("load", "the servers draw half, or twice, what the file says", _load, at_start=True),
    Dimension("card", "a UPS's card is mute, one or all", _cards),
    Dimension("slow", f"a card's answers come {SLOW_MS / 1000:g} s late", _slow),
    Dimension("link", "the serial link between a card and its UPS breaks", _links),
    Dimension("hub", "a hub breaks, and all behind it is silent", _hubs),
    Dimension("fault", "a BMC notices a fault of its server", _faults),
    Dimension("lan", "a BMC loses its network", _lan),
    Dimension("gateway", "the gateway is killed, and comes back with its journal", _gateway),
    Dimension("controller", "a controller is killed, and comes back knowing nothing", _controllers),
)
"""In the order in which they are tried."""


def found_on(rig: RigFile, without: Collection[str] = ()) -> dict[str, tuple[Disturbance, ...]]:
    """Return the disturbances of a rig by dimension, but for those `without`, and those that it has none of."""
    found = {row.name: tuple(row.find(rig)) for row in DIMENSIONS if row.name not in without}
    return {name: items for name, items in found.items() if items}
