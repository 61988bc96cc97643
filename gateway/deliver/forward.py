"""Raw notifications sent on to other managers.

The journal is the queue of every forward, and a cursor in the outbox says how far each has come; so a restart goes on
where the last run stopped, and a destination that is away holds up nobody else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from ridethrough.gateway.backoff import Growth, delay_s, within
from ridethrough.gateway.deliver.convert import NotRelayed, Relayed, Trust, relay
from ridethrough.gateway.deliver.destination import Destination
from ridethrough.gateway.records import EngineIdentity, Record, RecordKind
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import EventReader

log = structlog.get_logger("forward")

DATAGRAM = RecordKind.DATAGRAM
PAGE = 256
QUIET_S = 0.05  # without anything new, after which the place is written by itself
CURSOR = "forward:"  # in front of a forward's name, among the cursors of the sinks

Reader = Callable[[int, int], Awaitable[list[Record]]]


@dataclass(slots=True)
class ForwardStatus:
    """State of one forward, for people."""

    delivered: int = 0
    given_up: int = 0
    failures: int = 0
    last_error: str = ""
    skipped: Counter[str] = field(default_factory=Counter)
    paused: bool = False
    reached: int | None = None  # position up to which it is done, as soon as that is known


class Forwarder:
    """Runs the forwards. `readers` gives each a way to read: `read(position, limit)`, the records behind a position."""

    def __init__(
        self,
        outbox: EventReader,
        readers: Callable[[], Reader],
        destinations: dict[str, Destination],
        trust: Trust,
        jitter: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._cursors = {name: outbox.cursor(CURSOR + name) for name in destinations}
        self._readers = readers
        self._destinations = destinations
        self._trust = trust
        self._jitter = jitter
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._growth = Growth()
        self._identity: EngineIdentity | None = None
        self.progress = {name: ForwardStatus() for name in destinations}

    async def start(self, position: int, identity: EngineIdentity) -> None:
        """Forwards new to the site begin behind `position`; the others go on. Raises StoreError.

        `identity` is the gateway's own engine, for version 3.
        """
        self._identity = identity
        for name in list(self._destinations):
            await self._start(name, position)

    async def _start(self, name: str, position: int) -> None:
        cursor = self._cursors[name]
        if self._identity is not None:
            self._destinations[name].know(self._identity)
        await cursor.begin(position)
        self.progress[name].paused = await cursor.is_paused()
        if not self.progress[name].paused:
            self._begin(name)

    async def change(self, gone: Iterable[str], new: Mapping[str, Destination], position: int) -> None:
        """Let go of some forwards, and begin with others, as `start` does. Raises StoreError."""
        for name in gone:
            await self._end(name)
            self._destinations.pop(name).close()
            del self._cursors[name], self.progress[name]
        for name, destination in new.items():
            self._destinations[name] = destination
            self._cursors[name] = self._outbox.cursor(CURSOR + name)
            self.progress[name] = ForwardStatus()
            await self._start(name, position)

    def _begin(self, name: str) -> None:
        self._tasks[name] = asyncio.create_task(self._run(name, self._destinations[name]), name=f"forward-{name}")

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def pause(self, name: str) -> None:
        """Send nothing from now on, also after a restart. Raises StoreError."""
        await self._cursors[name].pause(paused=True)
        self.progress[name].paused = True
        await self._end(name)

    async def resume(self, name: str) -> None:
        """Go on, at once even if a wait after a failure was under way. Raises StoreError."""
        await self._cursors[name].pause(paused=False)
        self.progress[name].paused = False
        await self._end(name)
        self._begin(name)

    async def follow_pauses(self) -> None:
        """Do what was asked for elsewhere. Raises StoreError."""
        for name, cursor in self._cursors.items():
            paused = await cursor.is_paused()
            if paused != self.progress[name].paused:
                await (self.pause(name) if paused else self.resume(name))

    async def redeliver(self, name: str, position: int) -> None:
        """Send everything behind `position` again. Raises StoreError."""
        await self._end(name)
        await self._cursors[name].advance(position)
        self.progress[name].reached = position
        if not self.progress[name].paused:
            self._begin(name)

    def notify(self) -> None:
        """The journal has grown."""
        self._growth.notify()

    async def stop(self) -> None:
        for name in list(self._tasks):
            await self._end(name)
        for destination in self._destinations.values():
            destination.close()

    async def rows(self, last: int) -> list[dict[str, Any]]:
        """How the forwards stand, when the journal's newest record is `last`. Raises StoreError."""
        for name, destination in self._destinations.items():
            for words, count in destination.lost().items():
                self.progress[name].failures += count
                self.progress[name].last_error = f"{destination.host}:{destination.port}: {words}"
        return [
            {
                "name": name,
                "type": "forward",
                "paused": progress.paused,
                "backlog": max(0, last - await self._place(name)),
                "delivered": progress.delivered,
                "given_up": progress.given_up,
                "skipped": dict(progress.skipped),
                "failures": progress.failures,
                "last_error": progress.last_error,
            }
            for name, progress in self.progress.items()
        ]

    async def _place(self, name: str) -> int:
        """How far a forward has come; what is on disk may lag behind."""
        reached = self.progress[name].reached
        return await self._cursors[name].position() if reached is None else reached

    async def _run(self, name: str, destination: Destination) -> None:
        progress, attempt = self.progress[name], 0
        while True:
            try:
                await destination.open()
                await self._empty(name, destination, progress)
            except (StoreError, OSError) as error:
                attempt += 1
                progress.failures += 1
                progress.last_error = f"{destination.host}:{destination.port}: {error}"
                await asyncio.sleep(delay_s(attempt, self._jitter))

    async def _empty(self, name: str, destination: Destination, progress: ForwardStatus) -> None:
        """Send for ever. Raises StoreError; the cursor on disk says where to go on."""
        position = await self._cursors[name].position()
        read = self._readers()
        # `kept` is on disk for certain; what is written next takes the rest with it, so a crash costs repetitions.
        kept = progress.reached = position
        try:
            while True:
                grown = self._growth.next
                page = await read(position, PAGE)
                if page:
                    await self._forward_page(page, destination, progress)
                    position = progress.reached = page[-1].position
                    if await self._cursors[name].advance_lazily(position):
                        kept = position
                elif kept < position and not await within(grown, QUIET_S):
                    await self._cursors[name].advance(position)
                    kept = position
                else:
                    await grown.wait()
        finally:
            if kept < position:
                with suppress(StoreError):  # then what was sent comes again
                    await self._cursors[name].advance(position)

    async def _forward_page(self, page: list[Record], destination: Destination, progress: ForwardStatus) -> None:
        """Records of one source keep their order; no source waits for the acknowledgement of another's."""
        sources: dict[str, list[Record]] = {}
        for record in page:
            if record.arrival.kind is DATAGRAM:
                sources.setdefault(record.arrival.source, []).append(record)
        await asyncio.gather(*(self._forward(records, destination, progress) for records in sources.values()))

    async def _forward(self, records: Sequence[Record], destination: Destination, progress: ForwardStatus) -> None:
        for record in records:
            # What a destination sends is not sent back to it. Loopback is one machine with many roles, where nothing
            # can be told from the address.
            if record.arrival.source in destination.own:
                progress.skipped["loop"] += 1
                continue
            what = relay(record.arrival, record.position, destination.plan, self._trust)
            if isinstance(what, NotRelayed):
                progress.skipped[what.reason] += 1
                if what.lost:
                    progress.given_up += 1
                    progress.last_error = f"record {record.position}: {what.reason}"
                continue
            if not destination.send_at_once(what):
                if reason := destination.never(what):
                    progress.skipped[reason] += 1
                    progress.given_up += 1
                    progress.last_error = f"record {record.position}: {reason}"
                    continue
                await self._send_until_acknowledged(what, destination, progress)
            progress.delivered += 1

    async def _send_until_acknowledged(self, what: Relayed, destination: Destination, progress: ForwardStatus) -> None:
        """Tell an inform until it is acknowledged. A trap is sent once: nobody says whether it arrived."""
        attempt, address = 0, destination.address
        while not await destination.send(what):
            progress.failures += 1
            words = destination.refused or "no acknowledgement"
            progress.last_error = f"{destination.host}:{destination.port}: {words}"
            if not destination.untried(address):
                attempt += 1
                await asyncio.sleep(delay_s(attempt, self._jitter))
                try:
                    await destination.open()
                except OSError as error:
                    progress.last_error = f"{destination.host}:{destination.port}: {error}"
            address = destination.address
