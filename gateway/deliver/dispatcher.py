"""The sinks of a site, each with a worker of its own: none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.deliver.filters import Filter
from gateway.deliver.progress import Events
from gateway.deliver.sinks import Sink
from gateway.deliver.worker import Worker
from gateway.pacing import Growth


class Wanted(NamedTuple):
    """A sink, its kind, and the events it gets."""

    sink: Sink
    kind: str
    wanted: Filter


class Dispatcher:
    """Runs the sinks. `jitter` returns a number in 0..1 that spreads retries; `now_ms` is Unix time."""

    def __init__(
        self, outbox: Events, sinks: Mapping[str, Wanted], jitter: Callable[[], float], now_ms: Callable[[], int]
    ) -> None:
        self._outbox = outbox
        self._growth = Growth()
        self._kinds = {name: item.kind for name, item in sinks.items()}
        self.workers = {
            name: Worker(name, item.sink, item.wanted, outbox, self._growth, jitter, now_ms)
            for name, item in sinks.items()
        }
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(worker.run(), name=f"sink-{name}") for name, worker in self.workers.items()]

    def notify(self) -> None:
        """The outbox has grown."""
        self._growth.notify()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.workers.values():
            await worker.sink.close()

    async def rows(self) -> list[dict[str, Any]]:
        """How the sinks stand. Raises StoreError."""
        return [
            {
                "name": name,
                "type": self._kinds[name],
                "paused": worker.paused,
                "backlog": await self._outbox.behind(await worker.book.cursor()),
                "delivered": worker.progress.delivered,
                "filtered": worker.progress.filtered,
                "given_up": await worker.book.aside_count(),
                "failures": worker.progress.failures,
                "last_error": worker.progress.last_error,
            }
            for name, worker in self.workers.items()
        ]
