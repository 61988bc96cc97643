"""States of a UPS's output, which readings show as numbers, by the names that PowerNet-MIB gives them.

A name that the MIB does not have raises KeyError when this is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridethrough.mibs import standard_tree

OBJECT = "upsBasicOutputStatus"
NAMES = standard_tree().named(OBJECT).enum
_NUMBERS = {name: number for number, name in NAMES.items()}

ON_LINE = _NUMBERS["onLine"]
ON_BATTERY = _NUMBERS["onBattery"]
OFF = frozenset(_NUMBERS[name] for name in ("timedSleeping", "off", "rebooting", "sleepingUntilPowerReturn"))


def output_status(readings: Mapping[str, Any]) -> int | None:
    """Return the number among a device's readings; None before the first answer of its card."""
    number: int | None = readings.get(OBJECT)
    return number
