"""A number that changes at a steady rate: computed when asked for, never ticked."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ridethrough.emulators.kernel.instant import Instant

FAR_MS = 10**14  # three thousand years: the same as never


@dataclass(slots=True)
class Quantity:
    """`value` at `since`, changing by `rate` a second, held between `low` and `high`."""

    value: float
    since: Instant
    rate: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def at(self, now: Instant) -> float:
        """The value at `now`."""
        return min(self.high, max(self.low, self.value + self.rate * (now - self.since) / 1000))

    def still(self, now: Instant) -> bool:
        """Return whether the value stays as it is from `now` on, unless it is changed."""
        bound = self.high if self.rate > 0 else self.low
        return self.rate == 0 or self.at(now) == bound

    def change(self, now: Instant, rate: float) -> None:
        """Go on from the present value at another rate."""
        self.value, self.since, self.rate = self.at(now), now, rate

    def crossing(self, level: float, now: Instant) -> Instant | None:
        """The first instant after `now` at which the value has reached `level`; None if it never does."""
        distance = level - self.at(now)
        if self.rate == 0 or distance == 0 or (distance > 0) != (self.rate > 0):
            return None
        if not self.low <= level <= self.high:
            return None
        elapsed_ms = (level - self.value) / self.rate * 1000
        if elapsed_ms > FAR_MS:
            return None
        # Never `now` itself: a remainder in the last bit must not hold the clock.
        return max(Instant(now + 1), Instant(self.since + math.ceil(elapsed_ms)))
