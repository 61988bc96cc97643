"""Retransmission timeout of requests to a device (RFC 6298, with bounds for a LAN). Pure."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_S, MOST_S, FIRST_S = 0.5, 3.0, 1.0
TRIES = 3  # requests of one poll


@dataclass(slots=True)
class RttEstimator:
    """Smoothed round trip and its variation, in seconds; the timeout doubles with each request that went unanswered."""

    smoothed_s: float | None = None
    variation_s: float = 0.0
    asked_s: float = 0.0
    tries: int = 0

    def timeout_s(self, now_s: float, *, anew: bool) -> float:
        """Record a request and return the time to wait for its answer. `anew` begins a poll."""
        self.tries = 1 if anew else self.tries + 1
        self.asked_s = now_s
        base_s = FIRST_S if self.smoothed_s is None else self.smoothed_s + 4 * self.variation_s
        return float(min(MOST_S, max(LEAST_S, base_s) * 2 ** (self.tries - 1)))

    def answered(self, now_s: float) -> None:
        """Record an answer. After a repeat it is unknown which request it answers (Karn), so only first ones count."""
        if self.tries == 1:
            trip_s = now_s - self.asked_s
            if self.smoothed_s is None:
                self.smoothed_s, self.variation_s = trip_s, trip_s / 2
            else:
                self.variation_s += (abs(trip_s - self.smoothed_s) - self.variation_s) / 4
                self.smoothed_s += (trip_s - self.smoothed_s) / 8
        self.tries = 0

    @property
    def waiting(self) -> bool:
        """True while a request is unanswered and may be repeated."""
        return 0 < self.tries < TRIES
