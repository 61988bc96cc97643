"""Events that a sink has been given and not yet taken."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice

import structlog

from ridethrough.gateway.storage.interfaces import Queued

log = structlog.get_logger("deliver")

WINDOW = 1024  # events read ahead, so that one device with many does not hold up the others


class InFlight:
    """Events of one sink in lanes, each with a task, and the cursor behind them.

    `changed` is set when a lane without a task can begin, or more events may be read.
    """

    def __init__(self, cursor: int, changed: asyncio.Event) -> None:
        self.cursor = cursor  # everything up to here is done
        self.read = cursor
        self._changed = changed
        self._open: deque[int] = deque()  # what was read behind the cursor, in order
        self._done: set[int] = set()
        self._lanes: dict[str, deque[Queued]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failure: BaseException | None = None

    @property
    def room(self) -> bool:
        """True while more events may be read."""
        return len(self._open) < WINDOW

    def add(self, queued: Queued, lane: str) -> None:
        """Put an event at the end of a lane. Events are added in the order of the outbox."""
        self._open.append(queued.seq)
        self._lanes.setdefault(lane, deque()).append(queued)

    def skip(self, seq: int) -> None:
        """Count an event as done that was read and need not be delivered."""
        self._open.append(seq)
        self._done.add(seq)

    def idle(self, most: int) -> list[str]:
        """Lanes without a task, as many as may begin so that no more than `most` run."""
        waiting = [lane for lane in self._lanes if lane not in self._tasks]
        return waiting[: max(0, most - len(self._tasks))]

    def begin(self, lane: str, task: asyncio.Task[None]) -> None:
        """Have `task` work at a lane until it ends."""
        self._tasks[lane] = task
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(lane, None)
        if not task.cancelled():
            self._failure = task.exception() or self._failure
        if self._failure or any(lane not in self._tasks for lane in self._lanes):
            self._changed.set()

    def first(self, lane: str, most: int = 1) -> list[Queued]:
        """Up to so many events at the head of a lane; none when it is empty."""
        return list(islice(self._lanes.get(lane, ()), most))

    def finish(self, queued: Queued, lane: str) -> None:
        """Remove an event that was delivered or is a dead letter now."""
        queue = self._lanes[lane]
        queue.remove(queued)
        if not queue:
            del self._lanes[lane]
        self._done.add(queued.seq)
        full = not self.room
        self.advance()
        if full and self.room:
            self._changed.set()

    def advance(self) -> None:
        """Move the cursor over what is done."""
        while self._open and self._open[0] in self._done:
            self.cursor = self._open.popleft()
            self._done.discard(self.cursor)

    def done_ahead(self) -> set[int]:
        """Places behind the cursor that are done, while one before them is not."""
        return set(self._done)

    def check(self) -> None:
        """Raise the error that ended a lane; only StoreError does."""
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure

    def cancel(self) -> None:
        """Cancel all tasks, in the middle of a delivery if need be."""
        for task in self._tasks.values():
            task.cancel()

    async def drain(self) -> None:
        """Wait until no task is left; each lane ends behind the event that it delivers."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        if self._failure:
            log.error("delivery broken off", reason=str(self._failure))
