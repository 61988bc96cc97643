"""A fair queue of arrivals that wait for the journal: a noisy source cannot hold up the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from ridethrough.gateway.records import Arrival

_source = attrgetter("source")


class FairQueue:
    """Keeps the order of each source; sources take turns (deficit round robin with equal shares)."""

    def __init__(self) -> None:
        self._sources: dict[str, deque[Arrival]] = {}  # in the order of their turns; none is empty
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def extend(self, arrivals: Iterable[Arrival]) -> None:
        """Append each arrival to the queue of its source. Those without a source, the gateway's own, share one."""
        for source, run in groupby(arrivals, _source):
            queue = self._sources.get(source)
            if queue is None:
                queue = self._sources[source] = deque()
            before = len(queue)
            queue.extend(run)
            self._waiting += len(queue) - before

    def put_back(self, arrivals: Iterable[Arrival]) -> None:
        """Put arrivals of the last `take` that could not be stored before all others of the same source."""
        for arrival in reversed(list(arrivals)):
            self._sources.setdefault(arrival.source, deque()).appendleft(arrival)
            self._waiting += 1

    def take(self, limit: int) -> list[Arrival]:
        """Remove and return up to `limit` arrivals, an equal part of each source that has any."""
        taken: list[Arrival] = []
        while self._sources and len(taken) < limit:
            share = max(1, (limit - len(taken)) // len(self._sources))
            for source in list(self._sources)[: limit - len(taken)]:
                queue = self._sources.pop(source)
                wanted = min(share, limit - len(taken))
                if len(queue) <= wanted:
                    taken += queue
                else:
                    taken += [queue.popleft() for _ in range(wanted)]
                    self._sources[source] = queue
        self._waiting -= len(taken)
        return taken
