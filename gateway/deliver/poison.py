"""Distinguishes an event that its destination cannot take from a destination that is down."""

from __future__ import annotations

from collections.abc import Callable

PROBE_AFTER = 6  # attempts after which an event is suspected


class PoisonDetector:
    """Judges one event, or one batch. `delivered` returns how many events the destination has taken so far."""

    def __init__(self, delivered: Callable[[], int]) -> None:
        self._delivered = delivered
        self._at_first = delivered()

    @staticmethod
    def suspects(attempt: int) -> bool:
        """True when the `attempt`th failure makes the event itself suspect."""
        return attempt > PROBE_AFTER

    @property
    def others_delivered(self) -> bool:
        """True when the destination has taken other events since the first attempt, so that it is not down."""
        return self._delivered() > self._at_first
