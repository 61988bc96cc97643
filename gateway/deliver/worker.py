"""One sink at work: reads events behind its cursor, filters them, and hands them to its lanes.

Events of one device keep their order, no device waits for another, and waits between attempts outlive the process.
`_interrupt_waits` is what pausing, resuming and moving the cursor have in common: lanes end behind the event that they
deliver, and `_work` begins anew from the cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ridethrough.gateway.backoff import delay_s
from ridethrough.gateway.deliver.cursor_tracker import CURSOR_FLUSH_S, CursorTracker
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.in_flight import InFlight
from ridethrough.gateway.deliver.lanes import Lanes, Progress
from ridethrough.gateway.deliver.sinks.base import Sink
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import Cursor, EventReader

PAGE = 256


class Worker:
    """`jitter` returns a number in 0..1 that spreads retries; `now_ms` is Unix time."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        wanted: Filter,
        outbox: EventReader,
        jitter: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self.sink = sink
        self._wanted = wanted
        self._outbox = outbox.view()
        self._jitter = jitter
        self._tracker = CursorTracker(outbox.cursor(name))
        self._running = asyncio.Event()
        self._running.set()
        self._interrupt = asyncio.Event()  # what is to be done has changed; ends waits between attempts
        self._changed = asyncio.Event()  # that, or new events, or room for more lanes
        self._lanes = Lanes(name, sink, self._tracker, self._interrupt, self._schedule_flush, jitter, now_ms)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._move_to: int | None = None
        self._retry_dead_letters = False
        self._done_ahead: set[int] = set()  # beyond the cursor, when an interrupt came

    # --- control ----------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> Cursor:
        """The stored position, retry, pause and dead letters of this sink."""
        return self._tracker.cursor

    @property
    def progress(self) -> Progress:
        """Counters since the worker was made."""
        return self._lanes.progress

    @property
    def paused(self) -> bool:
        """True while it delivers nothing, until `resume`."""
        return not self._running.is_set()

    async def position(self) -> int:
        """The position up to which everything is done; what is on disk may lag behind. Raises StoreError."""
        return await self._tracker.position()

    async def pause(self) -> None:
        """Deliver nothing from now on, also after a restart. Raises StoreError."""
        await self.cursor.pause(paused=True)
        self._running.clear()
        self._interrupt_waits()

    async def resume(self) -> None:
        """Go on, at once even if a wait after a failure was under way. Raises StoreError."""
        await self.cursor.pause(paused=False)
        self._running.set()
        self._interrupt_waits()

    def redeliver(self, seq: int) -> None:
        """Deliver everything behind `seq` again."""
        self._move_to = seq
        self._interrupt_waits()

    def retry_dead_letters(self) -> None:
        """Try every dead letter once more."""
        self._retry_dead_letters = True
        self._interrupt_waits()

    def notify(self) -> None:
        """Look for new events: the outbox has grown."""
        self._changed.set()

    def _interrupt_waits(self) -> None:
        self._interrupt.set()
        self._changed.set()

    # --- work -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver for ever. Trouble of the database is waited for; the cursor on disk says where to go on."""
        attempt = 0
        while True:
            try:
                if await self.cursor.is_paused():
                    self._running.clear()
                await self._work()
            except StoreError as error:
                attempt += 1
                self._lanes.note_failure(str(error))
                await asyncio.sleep(delay_s(attempt, self._jitter))

    async def _work(self) -> None:
        """Deliver for ever. Raises StoreError."""
        position = await self._tracker.load()
        self._lanes.pending = await self.cursor.retry()
        while True:
            await self._running.wait()
            self._interrupt.clear()
            if self._move_to is not None:
                position = self._move_to
                self._lanes.pending = None
                self._done_ahead.clear()
                await self._tracker.move(position)
                if self._move_to == position:  # nobody asked for another position meanwhile
                    self._move_to = None
            if self._retry_dead_letters:
                self._retry_dead_letters = False
                await self._lanes.retry_dead_letters()
            position = await self._deliver_until_interrupted(position)

    async def _deliver_until_interrupted(self, position: int) -> int:
        """Deliver what is behind `position`; returns how far the sink has come by then. Raises StoreError."""
        flight = InFlight(position, self._changed)
        try:
            while not self._interrupt.is_set():
                self._changed.clear()  # before looking, so that nothing changes unseen in between
                flight.check()
                more = await self._read(flight)
                self._lanes.start(flight)
                flight.advance()
                if await self._tracker.schedule(flight.cursor) or more:
                    continue
                if self._tracker.is_durable:
                    await self._changed.wait()
                elif self._tracker.flush_due:
                    await self._tracker.flush(flight.cursor)
                else:
                    self._schedule_flush()
                    await self._changed.wait()
        except asyncio.CancelledError:
            flight.cancel()
            raise
        finally:
            self._interrupt_waits()
            await flight.drain()
            with suppress(StoreError):  # it comes again then, or is tried again in the next round
                await self._tracker.flush(flight.cursor)
        self._done_ahead = flight.done_ahead()
        return flight.cursor

    async def _read(self, flight: InFlight) -> bool:
        """Put a page of events in flight; False when there are no more, or no room."""
        page = await self._outbox.after(flight.read, PAGE) if flight.room else []
        for queued in page:
            flight.read = queued.seq
            if queued.seq in self._done_ahead:
                flight.skip(queued.seq)
            elif self._wanted.passes(queued.event):
                flight.add(queued, queued.event.subject if self.sink.lanes > 1 else "")
            else:
                self.progress.filtered += 1
                flight.skip(queued.seq)
        return bool(page)

    def _schedule_flush(self) -> None:
        """Look at the cursor before long, together with whatever else is done until then."""
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(CURSOR_FLUSH_S, self._wake)

    def _wake(self) -> None:
        self._flush_timer = None
        self._changed.set()
