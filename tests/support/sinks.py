"""Sinks that do as a test says, with an outbox and a dispatcher around them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.dispatcher import SinkSpec
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome
from ridethrough.gateway.records import Event
from ridethrough.gateway.status import DestinationStatus
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox


def event(number: int, subject: str = "UPS1", kind: str = "t", severity: str = "info") -> Event:
    data: dict[str, Any] = {"n": number, "severity": severity, "text": f"text {number}"}
    return Event(f"{number}-0", kind, "/t", subject, "2026-01-01T00:00:00.000Z", data)


class Script:
    """A sink that answers as `answer` says: by event and attempt."""

    def __init__(
        self, answer: Callable[[Event, int], Outcome] = lambda _event, _attempt: Delivered(), lanes: int = 1
    ) -> None:
        self.lanes = lanes
        self.answer = answer
        self.taken: list[str] = []
        self.attempts: dict[str, int] = defaultdict(int)
        self.at_s: list[float] = []
        self.changed = asyncio.Condition()

    async def deliver(self, item: Event) -> Outcome:
        self.attempts[item.id] += 1
        self.at_s.append(asyncio.get_running_loop().time())
        outcome = self.answer(item, self.attempts[item.id])
        if isinstance(outcome, Delivered):
            self.taken.append(item.id)
        async with self.changed:
            self.changed.notify_all()
        return outcome

    async def until(self, done: Callable[[], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(done)

    async def close(self) -> None:
        return


class Together(Script):
    """One that takes several at once, or none of them: what it says of the first that it does not take."""

    def __init__(
        self, answer: Callable[[Event, int], Outcome] = lambda _event, _attempt: Delivered(), batch: int = 4
    ) -> None:
        super().__init__(answer)
        self.batch = batch
        self.groups: list[list[str]] = []

    async def deliver_all(self, events: Sequence[Event]) -> Outcome:
        self.groups.append([item.id for item in events])
        for item in events:
            self.attempts[item.id] += 1
        answers = [self.answer(item, self.attempts[item.id]) for item in events]
        outcome = next((one for one in answers if not isinstance(one, Delivered)), Delivered())
        if isinstance(outcome, Delivered):
            self.taken += self.groups[-1]
        async with self.changed:
            self.changed.notify_all()
        return outcome


def ids(numbers: Iterable[int]) -> list[str]:
    return [f"{number}-0" for number in numbers]


class Bench:
    """An outbox with events, and sinks that run."""

    def __init__(self, store: Database, sinks: dict[str, Script], wanted: Filter | None = None) -> None:
        self.outbox = SqliteOutbox(store)
        self.sinks = sinks
        self.dispatcher = Dispatcher(
            self.outbox,
            {name: SinkSpec(sink, "script", wanted or Filter()) for name, sink in sinks.items()},
            lambda: 1.0,
            lambda: round(asyncio.get_running_loop().time() * 1000),
        )
        self.dispatcher.start()

    async def add(self, events: list[Event]) -> None:
        await self.outbox.add(events, 1, b"")
        self.dispatcher.notify()

    async def status(self, name: str = "s") -> DestinationStatus:
        return next(status for status in await self.dispatcher.statuses() if status.name == name)

    async def reached(self, name: str, seq: int) -> None:
        while await self.dispatcher.workers[name].cursor.position() < seq:
            await asyncio.sleep(0.5)
