"""Raw notifications sent on to other managers.

The journal is the queue of every forward, and a cursor in the outbox says how far each has come; so a restart goes on
where the last run stopped, and a destination that is away delays no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from ridethrough.gateway.backoff import GrowthSignal, delay_s, wait_within
from ridethrough.gateway.deliver.convert import Converted, SenderPolicy, Skipped, convert
from ridethrough.gateway.deliver.cursor_tracker import CURSOR_FLUSH_S, CursorTracker
from ridethrough.gateway.deliver.forward_target import ForwardTarget
from ridethrough.gateway.records import EngineIdentity, Record, RecordKind
from ridethrough.gateway.status import DestinationStatus
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import EventReader, forward_cursor

log = structlog.get_logger("forward")

DATAGRAM = RecordKind.DATAGRAM
PAGE = 256

ReadRecords = Callable[[int, int], Awaitable[list[Record]]]


@dataclass(slots=True)
class ForwardProgress:
    """Counters of one forward since its start, its last failure in words, and whether it is paused."""

    delivered: int = 0
    given_up: int = 0
    failures: int = 0
    last_error: str = ""
    skipped: Counter[str] = field(default_factory=Counter)
    paused: bool = False


class Forwarder:
    """Runs the forwards. `readers` gives each a way to read: `read(position, limit)`, the records behind a position."""

    def __init__(
        self,
        outbox: EventReader,
        readers: Callable[[], ReadRecords],
        destinations: dict[str, ForwardTarget],
        policy: SenderPolicy,
        jitter: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._trackers = {name: self._tracker(name) for name in destinations}
        self._readers = readers
        self._destinations = destinations
        self._policy = policy
        self._jitter = jitter
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._growth = GrowthSignal()
        self._identity: EngineIdentity | None = None
        self.progress = {name: ForwardProgress() for name in destinations}

    async def start(self, position: int, identity: EngineIdentity) -> None:
        """Forwards new to the site begin behind `position`; the others go on. Raises StoreError.

        `identity` is the gateway's own engine, for version 3.
        """
        self._identity = identity
        for name in list(self._destinations):
            await self._start(name, position)

    async def _start(self, name: str, position: int) -> None:
        cursor = self._trackers[name].cursor
        if self._identity is not None:
            self._destinations[name].set_engine(self._identity)
        await cursor.begin(position)
        self.progress[name].paused = await cursor.is_paused()
        if not self.progress[name].paused:
            self._begin(name)

    async def change(self, gone: Iterable[str], new: Mapping[str, ForwardTarget], position: int) -> None:
        """End some forwards, and begin others as `start` does. Raises StoreError."""
        for name in gone:
            await self._end(name)
            self._destinations.pop(name).close()
            del self._trackers[name], self.progress[name]
        for name, destination in new.items():
            self._destinations[name] = destination
            self._trackers[name] = self._tracker(name)
            self.progress[name] = ForwardProgress()
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
        await self._trackers[name].cursor.pause(paused=True)
        self.progress[name].paused = True
        await self._end(name)

    async def resume(self, name: str) -> None:
        """Go on, at once even if a wait after a failure was under way. Raises StoreError."""
        await self._trackers[name].cursor.pause(paused=False)
        self.progress[name].paused = False
        await self._end(name)
        self._begin(name)

    async def follow_pauses(self) -> None:
        """Pause and resume as the stored state says, which another gateway may have changed. Raises StoreError."""
        for name, tracker in self._trackers.items():
            paused = await tracker.cursor.is_paused()
            if paused != self.progress[name].paused:
                await (self.pause(name) if paused else self.resume(name))

    async def redeliver(self, name: str, position: int) -> None:
        """Send everything behind `position` again. Raises StoreError."""
        await self._end(name)
        await self._trackers[name].move(position)
        if not self.progress[name].paused:
            self._begin(name)

    def notify(self) -> None:
        """Wake all forwards: the journal has grown."""
        self._growth.notify()

    async def stop(self) -> None:
        """End all forwards and close their sockets; each cursor is written."""
        for name in list(self._tasks):
            await self._end(name)
        for destination in self._destinations.values():
            destination.close()

    async def statuses(self, last: int) -> list[DestinationStatus]:
        """Counters, backlog and last error of each forward; `last` is the newest position. Raises StoreError."""
        for name, destination in self._destinations.items():
            for error, count in destination.take_lost().items():
                self.progress[name].failures += count
                self.progress[name].last_error = f"{destination.host}:{destination.port}: {error}"
        return [
            DestinationStatus(
                name,
                "forward",
                progress.paused,
                backlog=max(0, last - await self._trackers[name].position()),
                delivered=progress.delivered,
                given_up=progress.given_up,
                skipped=dict(progress.skipped),
                failures=progress.failures,
                last_error=progress.last_error,
            )
            for name, progress in self.progress.items()
        ]

    def _tracker(self, name: str) -> CursorTracker:
        return CursorTracker(self._outbox.cursor(forward_cursor(name)))

    async def _run(self, name: str, destination: ForwardTarget) -> None:
        progress, attempt = self.progress[name], 0
        while True:
            try:
                await destination.open()
                await self._run_queue(name, destination, progress)
            except (StoreError, OSError) as error:
                attempt += 1
                progress.failures += 1
                progress.last_error = f"{destination.host}:{destination.port}: {error}"
                await asyncio.sleep(delay_s(attempt, self._jitter))

    async def _run_queue(self, name: str, destination: ForwardTarget, progress: ForwardProgress) -> None:
        """Send for ever. Raises StoreError; the cursor on disk says where to go on."""
        tracker = self._trackers[name]
        position = await tracker.load()
        read = self._readers()
        try:
            while True:
                grown = self._growth.next
                page = await read(position, PAGE)
                if page:
                    await self._forward_page(page, destination, progress)
                    position = page[-1].position
                    await tracker.schedule(position)
                elif tracker.is_durable or await wait_within(grown, CURSOR_FLUSH_S):
                    await grown.wait()
                else:
                    await tracker.flush(position)
        finally:
            with suppress(StoreError):  # then what was sent comes again
                await tracker.flush(position)

    async def _forward_page(self, page: list[Record], destination: ForwardTarget, progress: ForwardProgress) -> None:
        """Records of one source keep their order; no source waits for the acknowledgement of another's."""
        sources: dict[str, list[Record]] = {}
        for record in page:
            if record.arrival.kind is DATAGRAM:
                sources.setdefault(record.arrival.source, []).append(record)
        await asyncio.gather(*(self._forward(records, destination, progress) for records in sources.values()))

    async def _forward(self, records: Sequence[Record], destination: ForwardTarget, progress: ForwardProgress) -> None:
        for record in records:
            # What a destination sends is not sent back to it. Loopback is one machine with many roles, where nothing
            # can be concluded from the address.
            if record.arrival.source in destination.own:
                progress.skipped["loop"] += 1
                continue
            what = convert(record.arrival, record.position, destination.trap_format, self._policy)
            if isinstance(what, Skipped):
                progress.skipped[what.reason] += 1
                if what.lost:
                    progress.given_up += 1
                    progress.last_error = f"record {record.position}: {what.reason}"
                continue
            if not destination.send_at_once(what):
                if reason := destination.why_unreachable(what):
                    progress.skipped[reason] += 1
                    progress.given_up += 1
                    progress.last_error = f"record {record.position}: {reason}"
                    continue
                await self._send_until_acknowledged(what, destination, progress)
            progress.delivered += 1

    async def _send_until_acknowledged(
        self, what: Converted, destination: ForwardTarget, progress: ForwardProgress
    ) -> None:
        """Send an inform until it is acknowledged. A trap is sent once, as it has no acknowledgement."""
        attempt, address = 0, destination.address
        while not await destination.send(what):
            progress.failures += 1
            error = destination.refused or "no acknowledgement"
            progress.last_error = f"{destination.host}:{destination.port}: {error}"
            if not destination.has_moved_on(address):
                attempt += 1
                await asyncio.sleep(delay_s(attempt, self._jitter))
                try:
                    await destination.open()
                except OSError as failed:
                    progress.last_error = f"{destination.host}:{destination.port}: {failed}"
            address = destination.address
