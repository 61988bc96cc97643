"""Time as the emulated world counts it: whole milliseconds since the world began."""

from __future__ import annotations

from typing import NewType

Instant = NewType("Instant", int)

START = Instant(0)


def after(now: Instant, seconds: float) -> Instant:
    """The instant `seconds` after `now`."""
    return Instant(now + round(seconds * 1000))


def seconds_between(since: Instant, now: Instant) -> float:
    """Seconds from `since` to `now`."""
    return (now - since) / 1000


def ticks_between(since: Instant, now: Instant) -> int:
    """Hundredths of a second from `since` to `now` (the TimeTicks of SNMP)."""
    return (now - since) // 10


def soonest(*deadlines: Instant | None) -> Instant | None:
    """The earliest of `deadlines` that is set."""
    return min((deadline for deadline in deadlines if deadline is not None), default=None)
