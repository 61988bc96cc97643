"""The sinks of a site, each with a worker of its own: none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.sinks.base import Sink
from ridethrough.gateway.deliver.worker import Worker
from ridethrough.gateway.status import DestinationStatus
from ridethrough.gateway.storage.interfaces import EventReader


class SinkSpec(NamedTuple):
    """A sink, its kind, and the events it gets."""

    sink: Sink
    kind: str
    wanted: Filter


class Dispatcher:
    """Runs the sinks. `jitter` returns a number in 0..1 that spreads retries; `now_ms` is Unix time."""

    def __init__(
        self, outbox: EventReader, sinks: Mapping[str, SinkSpec], jitter: Callable[[], float], now_ms: Callable[[], int]
    ) -> None:
        self._outbox = outbox
        self._jitter = jitter
        self._now_ms = now_ms
        self._kinds: dict[str, str] = {}
        self.workers: dict[str, Worker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = False
        for name, item in sinks.items():
            self._add(name, item)

    def _add(self, name: str, item: SinkSpec) -> None:
        self._kinds[name] = item.kind
        worker = Worker(name, item.sink, item.wanted, self._outbox, self._jitter, self._now_ms)
        self.workers[name] = worker
        if self._started:
            self._tasks[name] = asyncio.create_task(worker.run(), name=f"sink-{name}")

    def start(self) -> None:
        """Begin to deliver, each sink from its cursor."""
        self._started = True
        for name, worker in self.workers.items():
            self._tasks[name] = asyncio.create_task(worker.run(), name=f"sink-{name}")

    async def change(self, gone: Iterable[str], new: Mapping[str, SinkSpec]) -> None:
        """End some sinks and begin others. One of the same name goes on from the cursor of the one before."""
        for name in gone:
            await self._end(name)
        for name, item in new.items():
            self._add(name, item)

    async def _end(self, name: str) -> None:
        task, worker = self._tasks.pop(name, None), self.workers.pop(name)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await worker.sink.close()

    def notify(self) -> None:
        """Wake all workers: the outbox has grown."""
        for worker in self.workers.values():
            worker.notify()

    async def stop(self) -> None:
        """End all workers and close their sinks; a delivery under way is cancelled and repeated by the next run."""
        for name in list(self.workers):
            await self._end(name)

    async def statuses(self) -> list[DestinationStatus]:
        """Counters, backlog and last error of each sink. Raises StoreError."""
        return [
            DestinationStatus(
                name,
                self._kinds[name],
                worker.paused,
                backlog=await self._outbox.behind(await worker.position()),
                delivered=worker.progress.delivered,
                filtered=worker.progress.filtered,
                given_up=await worker.cursor.dead_letter_count(),
                failures=worker.progress.failures,
                last_error=worker.progress.last_error,
            )
            for name, worker in self.workers.items()
        ]
