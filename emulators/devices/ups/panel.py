"""The LEDs on the front panel: a view of the state of the UPS, as the objects of the card are another."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus

# That there are these is our choice: the references describe the card, not the front.
LEDS: dict[str, Callable[[Ups], bool]] = {
    "on-line": lambda ups: ups.output_on and not ups.on_battery,
    "boost": lambda ups: ups.status is OutputStatus.ON_SMART_BOOST,
    "trim": lambda ups: ups.status is OutputStatus.ON_SMART_TRIM,
    "on-battery": lambda ups: ups.on_battery,
    "overload": lambda ups: ups.overloaded,
    "replace-battery": lambda ups: ups.replace_battery,
}


def leds(ups: Ups) -> list[str]:
    """Return the names of those that are lit."""
    return [name for name, lit in LEDS.items() if lit(ups)]
