"""Retransmission timeout of requests to a device (RFC 6298, with bounds for a LAN). Pure."""

from __future__ import annotations

from dataclasses import dataclass

MIN_RTO_S, MAX_RTO_S, INITIAL_RTO_S = 0.5, 3.0, 1.0
TRIES = 3  # requests of one poll


@dataclass(slots=True)
class RttEstimator:
    """Smoothed round trip and its variation, in seconds; the timeout doubles with each request that went unanswered."""

    srtt_s: float | None = None
    rttvar_s: float = 0.0
    sent_s: float = 0.0
    tries: int = 0

    def rto_s(self, now_s: float, *, anew: bool) -> float:
        """Record a request and return the time to wait for its answer. `anew` begins a poll."""
        self.tries = 1 if anew else self.tries + 1
        self.sent_s = now_s
        unbounded_s = INITIAL_RTO_S if self.srtt_s is None else self.srtt_s + 4 * self.rttvar_s
        return float(min(MAX_RTO_S, max(MIN_RTO_S, unbounded_s) * 2 ** (self.tries - 1)))

    def answered(self, now_s: float) -> None:
        """Record an answer. After a repeat it is unknown which request it answers (Karn), so only first ones count."""
        if self.tries == 1:
            trip_s = now_s - self.sent_s
            if self.srtt_s is None:
                self.srtt_s, self.rttvar_s = trip_s, trip_s / 2
            else:
                self.rttvar_s += (abs(trip_s - self.srtt_s) - self.rttvar_s) / 4
                self.srtt_s += (trip_s - self.srtt_s) / 8
        self.tries = 0

    @property
    def waiting(self) -> bool:
        """True while a request is unanswered and may be repeated."""
        return 0 < self.tries < TRIES
