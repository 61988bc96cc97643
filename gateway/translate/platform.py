"""Meanings of platform events: sensor type, event type and offset to a class and a text.

The class is how CLUSTERPRO's message monitor sorts notices: fatal ones, and recoverable ones that announce lost
performance (degrade) or a failure to come (predict).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

SENSOR_SPECIFIC = 0x6F
THRESHOLD = 0x01
REDUNDANCY = 0x0B


class NoticeClass(StrEnum):
    """Severity of an event for a cluster, as CLUSTERPRO's message monitor has it."""

    FATAL = "fatal"
    DEGRADE = "degrade"
    PREDICT = "predict"
    WARN = "warn"
    INFO = "info"


class Meaning(NamedTuple):
    """Class and text of a platform event."""

    notice_class: NoticeClass
    text: str


_F, _D, _P, _W, _I = NoticeClass.FATAL, NoticeClass.DEGRADE, NoticeClass.PREDICT, NoticeClass.WARN, NoticeClass.INFO
_T, _R, _S = THRESHOLD, REDUNDANCY, SENSOR_SPECIFIC

MEANINGS: dict[tuple[int, int, int], Meaning] = {
    (0x01, _T, 7): Meaning(_W, "temperature above its warning level"),
    (0x01, _T, 9): Meaning(_D, "temperature above its critical level"),
    (0x01, _T, 11): Meaning(_F, "temperature beyond recovery"),
    (0x02, _T, 2): Meaning(_D, "voltage below its critical level"),
    (0x02, _T, 9): Meaning(_D, "voltage above its critical level"),
    (0x04, _T, 0): Meaning(_W, "fan slower than its warning level"),
    (0x04, _T, 2): Meaning(_D, "fan slower than its critical level"),
    (0x04, _T, 4): Meaning(_F, "fan stopped"),
    (0x04, _R, 1): Meaning(_D, "fans no longer redundant"),
    (0x04, _R, 2): Meaning(_D, "fan redundancy reduced"),
    (0x05, _S, 0): Meaning(_W, "chassis opened"),
    (0x07, _S, 0): Meaning(_F, "internal error of a processor"),
    (0x07, _S, 1): Meaning(_F, "thermal trip of a processor"),
    (0x07, _S, 2): Meaning(_D, "processor failed its self-test"),
    (0x07, _S, 3): Meaning(_F, "processor hung during power-on test"),
    (0x07, _S, 4): Meaning(_F, "processor did not start"),
    (0x07, _S, 5): Meaning(_D, "processors do not match"),
    (0x07, _S, 6): Meaning(_F, "uncorrectable error in the processor complex"),
    (0x07, _S, 10): Meaning(_D, "processor slowed down by the hardware"),
    (0x07, _S, 11): Meaning(_F, "uncorrectable machine check"),
    (0x08, _S, 0): Meaning(_D, "power supply present"),
    (0x08, _S, 1): Meaning(_D, "power supply failed"),
    (0x08, _S, 2): Meaning(_P, "power supply about to fail"),
    (0x08, _S, 3): Meaning(_D, "power supply lost its input"),
    (0x08, _S, 4): Meaning(_D, "input of a power supply lost or out of range"),
    (0x08, _R, 1): Meaning(_D, "power supplies no longer redundant"),
    (0x08, _R, 2): Meaning(_D, "power supply redundancy reduced"),
    (0x09, _S, 0): Meaning(_I, "power off"),
    (0x09, _S, 4): Meaning(_F, "mains lost"),
    (0x09, _S, 5): Meaning(_F, "soft power control failed"),
    (0x09, _S, 6): Meaning(_F, "power unit failed"),
    (0x0C, _S, 0): Meaning(_P, "memory error corrected"),
    (0x0C, _S, 1): Meaning(_F, "uncorrectable memory error"),
    (0x0C, _S, 2): Meaning(_F, "memory parity error"),
    (0x0C, _S, 4): Meaning(_D, "memory module disabled"),
    (0x0C, _S, 5): Meaning(_P, "too many corrected memory errors"),
    (0x0C, _S, 10): Meaning(_D, "memory too hot"),
    (0x0F, _S, 0): Meaning(_D, "error of the system firmware"),
    (0x0F, _S, 1): Meaning(_F, "system firmware hung"),
    (0x10, _S, 2): Meaning(_I, "event log cleared"),
    (0x10, _S, 4): Meaning(_W, "event log full"),
    (0x10, _S, 5): Meaning(_W, "event log almost full"),
    (0x12, _S, 1): Meaning(_I, "system booted"),
    (0x12, _S, 2): Meaning(_F, "hardware failure of unknown cause"),
    (0x12, _S, 4): Meaning(_I, "the BMC is about to act"),
    (0x13, _S, 0): Meaning(_F, "diagnostic interrupt from the front panel"),
    (0x13, _S, 1): Meaning(_F, "bus timeout"),
    (0x13, _S, 2): Meaning(_F, "interrupt from an I/O channel check"),
    (0x13, _S, 3): Meaning(_F, "diagnostic interrupt from software"),
    (0x13, _S, 4): Meaning(_F, "parity error on PCI"),
    (0x13, _S, 5): Meaning(_F, "system error on PCI"),
    (0x13, _S, 8): Meaning(_F, "uncorrectable bus error"),
    (0x13, _S, 9): Meaning(_F, "fatal interrupt"),
    (0x13, _S, 10): Meaning(_F, "fatal bus error"),
    (0x19, _S, 1): Meaning(_F, "thermal trip of the chipset"),
    (0x20, _S, 0): Meaning(_F, "operating system stopped while loading"),
    (0x20, _S, 1): Meaning(_F, "operating system stopped"),
    (0x20, _S, 3): Meaning(_I, "operating system shut down in order"),
    (0x23, _S, 0): Meaning(_F, "watchdog expired"),
    (0x23, _S, 1): Meaning(_F, "watchdog reset the server"),
    (0x23, _S, 2): Meaning(_F, "watchdog switched the server off"),
    (0x23, _S, 3): Meaning(_F, "watchdog cycled the power"),
    (0x23, _S, 8): Meaning(_W, "watchdog about to expire"),
    (0x28, _S, 3): Meaning(_D, "management controller unavailable"),
    (0x2A, _S, 2): Meaning(_W, "login with a wrong name or password"),
    (0x2A, _S, 3): Meaning(_W, "user locked out after wrong passwords"),
}
UNLISTED = Meaning(NoticeClass.INFO, "platform event without a text of its own")


# Faults that a BMC answers by a reset or the like, and with the recovery link waits; not those from which the hardware
# has to protect itself at once. Sensor type and event type to offsets.
WAITS: dict[tuple[int, int], frozenset[int]] = {
    (0x07, _S): frozenset({0, 3, 6, 11}),
    (0x0C, _S): frozenset({1, 2}),
    (0x0F, _S): frozenset({1}),
    (0x12, _S): frozenset({2}),
    (0x13, _S): frozenset({1, 2, 4, 5, 8, 9, 10}),
    (0x20, _S): frozenset({0, 1}),
    (0x23, _S): frozenset({1, 2, 3}),
}


def waits(sensor_type: int, event_type: int, offset: int) -> bool:
    """True when a BMC with the recovery link holds its action after this event."""
    return offset in WAITS.get((sensor_type, event_type), frozenset())


def meaning(sensor_type: int, event_type: int, offset: int) -> Meaning:
    """Look an event up; `UNLISTED` for those without a row."""
    return MEANINGS.get((sensor_type, event_type, offset), UNLISTED)
