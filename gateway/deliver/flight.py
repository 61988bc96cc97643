"""Events that a sink has been given and not yet taken."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from gateway.deliver.progress import Queued

log = structlog.get_logger("deliver")

WINDOW = 1024  # events read ahead, so that one device with many does not hold up the others


class Flight:
    """One sink's. Lanes keep their order; a task works at each. `changed` is set when something is done."""

    def __init__(self, cursor: int, changed: asyncio.Event) -> None:
        self.cursor = cursor  # everything up to here is done
        self.read = cursor
        self._changed = changed
        self._open: deque[int] = deque()  # what was read behind the cursor, in order
        self._done: set[int] = set()
        self._lanes: dict[str, deque[Queued]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def room(self) -> bool:
        """Whether more may be read."""
        return len(self._open) < WINDOW

    def add(self, queued: Queued, lane: str) -> None:
        self._open.append(queued.seq)
        self._lanes.setdefault(lane, deque()).append(queued)

    def took(self, seq: int) -> None:
        """What was read needs nothing more."""
        self._open.append(seq)
        self._done.add(seq)

    def idle(self, most: int) -> list[str]:
        """Lanes to begin with, so that no more than `most` run."""
        waiting = [lane for lane in self._lanes if lane not in self._tasks]
        return waiting[: max(0, most - len(self._tasks))]

    def begin(self, lane: str, task: asyncio.Task[None]) -> None:
        self._tasks[lane] = task
        task.add_done_callback(lambda _task: self._changed.set())

    def head(self, lane: str) -> Queued | None:
        """The first event of a lane; None when there is none."""
        queue = self._lanes.get(lane)
        return queue[0] if queue else None

    def second(self, lane: str) -> Queued | None:
        """The one behind it."""
        queue = self._lanes.get(lane, deque())
        return queue[1] if len(queue) > 1 else None

    def finish(self, queued: Queued, lane: str) -> None:
        """An event is done, be it taken or set aside."""
        queue = self._lanes[lane]
        queue.remove(queued)
        if not queue:
            del self._lanes[lane]
        self._done.add(queued.seq)
        self._changed.set()

    def advance(self) -> bool:
        """Move the cursor over what is done; whether it moved."""
        before = self.cursor
        while self._open and self._open[0] in self._done:
            self.cursor = self._open.popleft()
            self._done.discard(self.cursor)
        return self.cursor != before

    def beyond(self) -> set[int]:
        """What is done behind the cursor."""
        return set(self._done)

    def check(self) -> None:
        """Forget lanes that have ended. Raises what ended one, which only StoreError does."""
        for lane, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[lane]
                task.result()

    def cancel(self) -> None:
        """End what is under way, wherever it is."""
        for task in self._tasks.values():
            task.cancel()

    async def settle(self) -> None:
        """Wait for what is under way; each lane ends behind its event."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        for task in self._tasks.values():
            if not task.cancelled() and task.exception() is not None:
                log.error("delivery broken off", reason=str(task.exception()))
        self._tasks.clear()
