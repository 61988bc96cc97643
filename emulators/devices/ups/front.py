"""The lamps on the front of the UPS: a view of its state, as the card's objects are another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.devices.ups.line import Avr

if TYPE_CHECKING:
    from emulators.devices.ups.model import Ups


def lamps(ups: Ups) -> list[str]:
    """Those that are lit, in the order in which they stand on the front."""
    lit = {
        "on-line": ups.output_on and not ups.on_battery,
        "boost": ups.output_on and ups.line.avr is Avr.BOOST,
        "trim": ups.output_on and ups.line.avr is Avr.TRIM,
        "on-battery": ups.on_battery,
        "overload": ups.overloaded,
        "replace-battery": ups.replace_battery,
    }
    return [name for name, on in lit.items() if on]
