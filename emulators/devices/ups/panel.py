"""The lamps on the front of the UPS: a view of its state, as the card's objects are another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridethrough.emulators.devices.ups.snmp.readings import (
    FLAG_BOOST,
    FLAG_ON_BATTERY,
    FLAG_ON_LINE,
    FLAG_OVERLOAD,
    FLAG_REPLACE,
    FLAG_TRIM,
    flags,
)

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.model import Ups

# That there are these is our choice: the references describe the card, not the front.
LAMPS = {
    "on-line": FLAG_ON_LINE,
    "boost": FLAG_BOOST,
    "trim": FLAG_TRIM,
    "on-battery": FLAG_ON_BATTERY,
    "overload": FLAG_OVERLOAD,
    "replace-battery": FLAG_REPLACE,
}


def lamps(ups: Ups) -> list[str]:
    """Those that are lit. A flag of the card and its lamp cannot disagree."""
    lit = flags(ups)
    return [name for name, flag in LAMPS.items() if flag in lit]
