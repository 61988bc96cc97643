"""One task for each sink: in order, with retries that survive a restart because the cursor does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from gateway.deliver.outbox import Outbox
from gateway.deliver.pacing import Growth, delay_s
from gateway.deliver.sinks import Outcome, Sink, retry
from gateway.records import Event
from gateway.store import StoreError

log = structlog.get_logger("deliver")

PAGE = 64


@dataclass(slots=True)
class Progress:
    """State of one sink, for people."""

    delivered: int = 0
    given_up: int = 0
    failures: int = 0
    last_error: str = ""
    waiting: bool = field(default=False)


class Dispatcher:
    """Runs the sinks. `jitter` returns a number in 0..1 that spreads retries."""

    def __init__(self, outbox: Outbox, sinks: dict[str, Sink], jitter: Callable[[], float]) -> None:
        self._outbox = outbox
        self._sinks = sinks
        self._jitter = jitter
        self._tasks: list[asyncio.Task[None]] = []
        self._growth = Growth()
        self.progress = {name: Progress() for name in sinks}

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(name, sink), name=f"sink-{name}") for name, sink in self._sinks.items()
        ]

    def notify(self) -> None:
        """The outbox has grown."""
        self._growth.notify()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sink in self._sinks.values():
            await sink.close()

    async def rows(self, last: int, kinds: Mapping[str, str]) -> list[dict[str, Any]]:
        """How the sinks stand, when the newest event is `last`. Raises StoreError."""
        return [
            {
                "name": name,
                "type": kinds[name],
                "backlog": last - await self._outbox.cursor(name),
                "delivered": progress.delivered,
                "given_up": await self._outbox.poisoned(name),
                "failures": progress.failures,
                "last_error": progress.last_error,
            }
            for name, progress in self.progress.items()
        ]

    async def _run(self, name: str, sink: Sink) -> None:
        progress = self.progress[name]
        while True:
            try:
                await self._empty(name, sink, progress)
            except StoreError as error:
                self._note(progress, str(error))
                await asyncio.sleep(delay_s(1, self._jitter))

    async def _empty(self, name: str, sink: Sink, progress: Progress) -> None:
        """Deliver for ever. Raises StoreError; the cursor on disk says where to go on."""
        cursor = await self._outbox.cursor(name)
        while True:
            grown = self._growth.next
            page = await self._outbox.after(cursor, PAGE)
            for queued in page:
                outcome = await self._insist(sink, queued.event, progress)
                cursor = queued.seq
                progress.waiting = False
                if outcome.done:
                    progress.delivered += 1
                else:
                    progress.given_up += 1
                    progress.last_error = outcome.reason
                await self._outbox.move_cursor(name, cursor, "" if outcome.done else outcome.reason)
            if not page:
                await grown.wait()

    async def _insist(self, sink: Sink, event: Event, progress: Progress) -> Outcome:
        """Try until the sink takes the event or gives it up."""
        attempt = 0
        while True:
            try:
                outcome = await sink.deliver(event)
            except Exception as error:  # a sink that breaks its promise is one that failed
                log.exception("sink broke", event=event.id)
                outcome = retry(f"{type(error).__name__}: {error}")
            if outcome.done or outcome.permanent:
                return outcome
            attempt += 1
            self._note(progress, outcome.reason)
            await asyncio.sleep(delay_s(attempt, self._jitter))

    @staticmethod
    def _note(progress: Progress, reason: str) -> None:
        progress.failures += 1
        progress.waiting = True
        progress.last_error = reason
