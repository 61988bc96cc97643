"""Texts of ones and zeros that show many states at once: upsBasicStateOutputState and the abnormal conditions."""

from __future__ import annotations

from collections.abc import Collection

from ridethrough.emulators.devices.ups.bypass import Bypass
from ridethrough.emulators.devices.ups.diagnostics import TestKind
from ridethrough.emulators.devices.ups.faults import FAULTS
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.emulators.kernel.instant import Instant

OUTPUT_FLAGS = 64
ABNORMAL_CONDITIONS = 32

# Positions in upsBasicStateOutputState, from the left, counted from 1. Faults have more (`faults.py`).
FLAG_ABNORMAL = 1
FLAG_ON_BATTERY = 2
FLAG_LOW_BATTERY = 3
FLAG_ON_LINE = 4
FLAG_REPLACE_BATTERY = 5
FLAG_LINK_UP = 6
FLAG_BOOST = 7
FLAG_TRIM = 8
FLAG_OVERLOAD = 9
FLAG_CALIBRATION = 10
FLAG_DISCHARGED = 11
FLAG_SWITCHED_BYPASS = 12
FLAG_SOFTWARE_BYPASS = 13
FLAG_HARDWARE_BYPASS = 14
FLAG_SLEEPING = 17
FLAG_WAITING_FOR_INPUT = 18
FLAG_OUTPUT_ON = 19
FLAG_REBOOTING = 20
FLAG_SHUTDOWN_PENDING = 22
FLAG_TOO_WARM = 26
FLAG_SELF_TEST = 29
FLAG_LOW_OR_ON_BATTERY = 30
FLAG_OUTPUT_OFF = 58

BYPASS_FLAGS = {
    Bypass.SWITCHED: FLAG_SWITCHED_BYPASS,
    Bypass.SOFTWARE: FLAG_SOFTWARE_BYPASS,
    Bypass.HARDWARE: FLAG_HARDWARE_BYPASS,
}


def output_flags(ups: Ups, _now: Instant) -> bytes:
    """Return upsBasicStateOutputState; `UNKNOWN` from a card without a link to its UPS."""
    return _ones(OUTPUT_FLAGS, positions(ups)) if ups.link_up else b"UNKNOWN"


def abnormal_conditions(ups: Ups, _now: Instant) -> bytes:
    """Return upsAdvStateAbnormalConditions; `UNKNOWN` from a card without a link to its UPS."""
    return _ones(ABNORMAL_CONDITIONS, ups.abnormal) if ups.link_up else b"UNKNOWN"


def positions(ups: Ups) -> set[int]:
    """Return the positions in upsBasicStateOutputState that hold now, for a card with a link to its UPS."""
    status = ups.status
    shown = {
        FLAG_ABNORMAL: bool(ups.abnormal),
        FLAG_LINK_UP: True,
        FLAG_ON_LINE: ups.output_on and not ups.on_battery,
        FLAG_REPLACE_BATTERY: ups.replace_battery,
        FLAG_BOOST: status is OutputStatus.ON_SMART_BOOST,
        FLAG_TRIM: status is OutputStatus.ON_SMART_TRIM,
        FLAG_OVERLOAD: ups.overloaded,
        FLAG_CALIBRATION: ups.diagnostics.running is TestKind.CALIBRATION,
        FLAG_DISCHARGED: ups.discharged,
        FLAG_TOO_WARM: ups.too_warm,
        FLAG_SELF_TEST: ups.diagnostics.running is TestKind.SELF_TEST,
        FLAG_ON_BATTERY: ups.on_battery,
        FLAG_LOW_BATTERY: ups.battery.low,
        FLAG_LOW_OR_ON_BATTERY: ups.battery.low or ups.on_battery,
        FLAG_OUTPUT_ON: ups.output_on,
        FLAG_OUTPUT_OFF: not ups.output_on,
        FLAG_SLEEPING: status is OutputStatus.TIMED_SLEEPING,
        FLAG_WAITING_FOR_INPUT: status is OutputStatus.SLEEPING_UNTIL_POWER_RETURN,
        FLAG_REBOOTING: status is OutputStatus.REBOOTING,
        FLAG_SHUTDOWN_PENDING: ups.shutdown_pending,
    }
    lit: set[int] = {position for position, holds in shown.items() if holds}
    if ups.bypass:
        lit.add(BYPASS_FLAGS[ups.bypass])
    return lit | {FAULTS[word].flag for word in ups.faults}


def _ones(width: int, marked: Collection[int]) -> bytes:
    return "".join("1" if position in marked else "0" for position in range(1, width + 1)).encode()
