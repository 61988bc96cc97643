"""Arrivals on their way to the journal, and the back-pressure when more come than it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ridethrough.gateway.receive import FairQueue
from ridethrough.gateway.records import Arrival

HIGH_WATER = 100_000  # arrivals; above it the kernel's buffers hold what comes
GROUP = 2048  # arrivals of one commit; sources share them


class Intake:
    """A fair queue with a high-water mark.

    `set_backpressure` is called with True when there are more than `HIGH_WATER` arrivals, and with False when half of
    them are gone.
    """

    def __init__(self, set_backpressure: Callable[[bool], None]) -> None:
        self._queue = FairQueue()
        self._set_backpressure = set_backpressure
        self._full = False

    def __len__(self) -> int:
        return len(self._queue)

    def extend(self, arrivals: Iterable[Arrival]) -> None:
        """Add arrivals at the end; may turn back-pressure on."""
        self._queue.extend(arrivals)
        if not self._full and len(self._queue) > HIGH_WATER:
            self._full = True
            self._set_backpressure(True)

    def take(self) -> list[Arrival]:
        """Remove the arrivals of one commit, of all sources in turn; may turn back-pressure off."""
        arrivals = self._queue.take(GROUP)
        if self._full and len(self._queue) < HIGH_WATER // 2:
            self._full = False
            self._set_backpressure(False)
        return arrivals

    def put_back(self, arrivals: Iterable[Arrival]) -> None:
        """Return what was taken last and could not be kept, before everything of the same source."""
        self._queue.put_back(arrivals)
