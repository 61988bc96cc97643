"""The next instants of many, of which few change at a time."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from ridethrough.emulators.kernel.instant import Instant

FEW = 64


class Deadlines:
    """A heap in which entries that were put off stay for a while; there are never many more of them than of others."""

    def __init__(self) -> None:
        self._of: dict[str, Instant] = {}
        self._heap: list[tuple[Instant, str]] = []

    def put(self, name: str, instant: Instant | None) -> None:
        """Something is due at `instant`, or never; its earlier instant holds no longer."""
        if instant is None:
            self._of.pop(name, None)
        elif self._of.get(name) != instant:
            self._of[name] = instant
            heappush(self._heap, (instant, name))
            if len(self._heap) > 2 * len(self._of) + FEW:
                self._heap = [(due, known) for known, due in self._of.items()]
                heapify(self._heap)

    def first(self) -> Instant | None:
        """The earliest instant at which anything is due; None while nothing is."""
        while self._heap and self._of.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def until(self, now: Instant) -> list[str]:
        """Take out and return the names that are due up to and including `now`, in the order of their instants."""
        names: list[str] = []
        while (instant := self.first()) is not None and instant <= now:
            names.append(heappop(self._heap)[1])
            del self._of[names[-1]]
        return names
