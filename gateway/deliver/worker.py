"""One sink at work: in order for each device, none waiting for another's, with waits that outlive the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from ridethrough.gateway.backoff import LONGEST_DELAY_S, delay_s
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.in_flight import InFlight
from ridethrough.gateway.deliver.sinks import Batching, Outcome, Sink, give_up, retry
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import Cursor, DeadLetter, EventReader, Queued, Retry

log = structlog.get_logger("deliver")

PAGE = 256
QUIET_S = 0.05  # until what is done is looked at, and without anything new until the place is written by itself
PATIENCE = 6  # attempts after which an event counts as the trouble, if others get through meanwhile


@dataclass(slots=True)
class Progress:
    """How a sink stands, for people."""

    delivered: int = 0
    filtered: int = 0
    failures: int = 0
    last_error: str = ""
    waiting: bool = False


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
        self.name = name
        self.sink = sink
        self._batching = sink if isinstance(sink, Batching) else None
        self._batch = self._batching.batch if self._batching else 1
        self.progress = Progress()
        self._wanted = wanted
        self._outbox = outbox.view()
        self.cursor: Cursor = outbox.cursor(name)
        self._jitter = jitter
        self._now_ms = now_ms
        self._running = asyncio.Event()
        self._running.set()
        self._interrupt = asyncio.Event()  # somebody changed the plan while the sink waits
        self._changed = asyncio.Event()  # that, or anything else to look at
        self._looking: asyncio.TimerHandle | None = None  # at what is done, before long
        self._noted_at = 0.0  # loop time
        self.reached: int | None = None  # everything up to here is done, as soon as that is known
        self._noted = 0  # up to here it is written before long
        self._kept = 0  # and up to here for certain also after a crash, which repeats the rest
        self._move_to: int | None = None
        self._again = False
        self._done: set[int] = set()  # beyond the cursor, when the plan changed
        self._left: Retry | None = None  # what an earlier run waited with

    # --- control ----------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    async def place(self) -> int:
        """How far it has come; what is on disk may lag behind. Raises StoreError."""
        return await self.cursor.position() if self.reached is None else self.reached

    async def pause(self) -> None:
        """Deliver nothing from now on, also after a restart. Raises StoreError."""
        await self.cursor.pause(paused=True)
        self._running.clear()
        self._change_plan()

    async def resume(self) -> None:
        """Go on, at once even if a wait after a failure was under way. Raises StoreError."""
        await self.cursor.pause(paused=False)
        self._running.set()
        self._change_plan()

    def redeliver(self, seq: int) -> None:
        """Deliver everything behind `seq` again."""
        self._move_to = seq
        self._change_plan()

    def retry_aside(self) -> None:
        """Try what was set aside once more."""
        self._again = True
        self._change_plan()

    def notify(self) -> None:
        """The outbox has grown."""
        self._changed.set()

    def _change_plan(self) -> None:
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
                await self._empty()
            except StoreError as error:
                attempt += 1
                self._note(str(error))
                await asyncio.sleep(delay_s(attempt, self._jitter))

    async def _empty(self) -> None:
        """Deliver for ever. Raises StoreError; the cursor on disk says where to go on."""
        cursor = self.reached = self._noted = self._kept = await self.cursor.position()
        self._left = await self.cursor.retry()
        while True:
            await self._running.wait()
            self._interrupt.clear()
            if self._move_to is not None:
                cursor = self._move_to
                self._left = None
                self._done.clear()
                await self.cursor.advance(cursor)
                self.reached = self._noted = self._kept = cursor
                if self._move_to == cursor:  # nobody asked for another place meanwhile
                    self._move_to = None
            if self._again:
                self._again = False
                await self._try_aside()
            cursor = await self._flow(cursor)

    async def _flow(self, cursor: int) -> int:
        """Deliver until somebody changes the plan; how far the sink has come by then. Raises StoreError."""
        flight = InFlight(cursor, self._changed)
        try:
            while not self._interrupt.is_set():
                self._changed.clear()  # before looking, so that nothing changes unseen in between
                flight.check()
                page = await self._outbox.after(flight.read, PAGE) if flight.room else []
                for queued in page:
                    flight.read = queued.seq
                    if queued.seq in self._done:
                        flight.took(queued.seq)
                    elif self._wanted.passes(queued.event):
                        flight.add(queued, queued.event.subject if self.sink.lanes > 1 else "")
                    else:
                        self.progress.filtered += 1
                        flight.took(queued.seq)
                for lane in flight.idle(self.sink.lanes):
                    flight.begin(lane, asyncio.create_task(self._lane(flight, lane), name=f"{self.name} {lane}"))
                flight.advance()
                if flight.cursor != self._noted:
                    await self._note_place(flight.cursor)
                elif page:
                    continue
                elif self._noted != self._kept and self._quiet_s() >= QUIET_S:
                    await self._keep(flight.cursor)
                else:
                    if self._noted != self._kept:
                        self._look_soon()
                    await self._changed.wait()
        except asyncio.CancelledError:
            flight.cancel()
            raise
        finally:
            self._change_plan()
            await flight.settle()
            with suppress(StoreError):  # it comes again then, or is tried again in the next round
                await self._keep(flight.cursor)
        self._done = flight.beyond()
        return flight.cursor

    async def _note_place(self, place: int) -> None:
        """Let what is written next take along how far the sink has come."""
        self.reached = self._noted = place
        self._noted_at = asyncio.get_running_loop().time()
        if await self.cursor.advance_lazily(place):
            self._kept = place

    def _quiet_s(self) -> float:
        """For how long there was nothing to note."""
        return asyncio.get_running_loop().time() - self._noted_at

    async def _keep(self, place: int) -> None:
        """Note on disk how far the sink has come."""
        self.reached = self._noted = place
        if place != self._kept:
            await self.cursor.advance(place)
            self._kept = place

    def _look_soon(self) -> None:
        """Let the place be noted or kept before long, together with whatever else is done until then."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(QUIET_S, self._look)

    def _look(self) -> None:
        self._looking = None
        self._changed.set()

    async def _lane(self, flight: InFlight, lane: str) -> None:
        """EventReader that keep their order among themselves, until there are none or the plan changes."""
        alone = tried = 0  # up to this place one by one, as they were not taken together in so many attempts
        while (group := flight.first(lane, self._batch)) and not self._interrupt.is_set():
            through, attempt = self.progress.delivered, 0
            if group[0].seq <= alone:
                group, attempt = group[:1], tried
            left = self._left if self._left and self._left.seq == group[0].seq else None
            if left:
                attempt = left.attempt
            outcome = await self._deliver(group)
            while not (outcome.done or outcome.permanent):
                attempt += 1
                if attempt > PATIENCE and len(group) > 1:
                    break  # it may be one of them that is the trouble
                if attempt > PATIENCE and await self._others_get_through(flight, lane, through):
                    outcome = give_up(f"{outcome.reason}, {attempt} times, while others got through")
                    break
                if not await self._wait(group[0].seq, attempt, outcome.reason, left.until_ms if left else None):
                    return
                left = None
                outcome = await self._deliver(group)
            if len(group) > 1 and not outcome.done:
                alone, tried = group[-1].seq, attempt
                continue
            for queued in group:
                await self._finish(flight, queued, lane, outcome)

    async def _others_get_through(self, flight: InFlight, lane: str, through: int) -> bool:
        """Whether it is the event that is the trouble, and not the sink; the one behind it is tried to find out."""
        if self.progress.delivered > through:
            return True
        following = flight.first(lane, 2)[1:]
        if not following:
            return False
        outcome = await self._deliver(following)
        if outcome.done:
            await self._finish(flight, following[0], lane, outcome)
        return outcome.done

    async def _finish(self, flight: InFlight, queued: Queued, lane: str, outcome: Outcome) -> None:
        self.progress.waiting = False
        if outcome.done:
            self.progress.delivered += 1
        else:
            self.progress.last_error = outcome.reason
            await self.cursor.dead_letter(queued.seq, outcome.reason)
        flight.finish(queued, lane)
        self.reached = flight.cursor
        if self.sink.lanes == self._batch == 1:
            await self._keep(flight.cursor)  # at once, so that a crash repeats one event at most
        else:
            self._look_soon()

    async def _wait(self, seq: int, attempt: int, reason: str, until_ms: int | None) -> bool:
        """Wait for the next attempt; False when the plan changed meanwhile."""
        self._note(reason)
        now_ms = self._now_ms()
        if until_ms is None or until_ms - now_ms > LONGEST_DELAY_S * 1000:
            until_ms = now_ms + round(delay_s(attempt, self._jitter) * 1000)
        await self.cursor.save_retry(Retry(seq, attempt, until_ms, reason))
        try:
            async with asyncio.timeout(max(0, until_ms - now_ms) / 1000):
                await self._interrupt.wait()
        except TimeoutError:
            return True
        return False

    async def _deliver(self, group: Sequence[Queued | DeadLetter]) -> Outcome:
        try:
            if len(group) > 1 and self._batching:
                return await self._batching.deliver_all([item.event for item in group])
            return await self.sink.deliver(group[0].event)
        except Exception as error:  # a sink that breaks its promise is one that failed
            log.exception("sink broke", sink=self.name, event=group[0].event.id)
            return retry(f"{type(error).__name__}: {error}")

    async def _try_aside(self) -> None:
        for item in await self.cursor.dead_letters():
            outcome = await self._deliver([item])
            if outcome.done:
                self.progress.delivered += 1
                await self.cursor.requeue(item.seq)
            else:
                self.progress.last_error = outcome.reason
                await self.cursor.dead_letter(item.seq, outcome.reason)

    def _note(self, reason: str) -> None:
        self.progress.failures += 1
        self.progress.waiting = True
        self.progress.last_error = reason
