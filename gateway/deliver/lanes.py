"""Deliveries of one sink: in order within a lane, repeated until each event is taken, or never will be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from ridethrough.gateway.backoff import LONGEST_DELAY_S, delay_s
from ridethrough.gateway.deliver.cursor_tracker import CursorTracker
from ridethrough.gateway.deliver.in_flight import InFlight
from ridethrough.gateway.deliver.poison import PoisonDetector
from ridethrough.gateway.deliver.sinks.base import Batching, Delivered, Outcome, Reject, Retry, Sink
from ridethrough.gateway.storage.interfaces import DeadLetter, PendingRetry, Queued

log = structlog.get_logger("deliver")


@dataclass(slots=True)
class Progress:
    """Counters of one sink since its worker was made, and its last failure in words."""

    delivered: int = 0
    filtered: int = 0
    failures: int = 0
    last_error: str = ""
    waiting: bool = False


class Lanes:
    """Delivers what is in flight, one task for each lane.

    `interrupt` ends the waits between attempts; `schedule_flush` is called when the cursor may move. `jitter` returns a
    number in 0..1 that spreads retries; `now_ms` is Unix time.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        tracker: CursorTracker,
        interrupt: asyncio.Event,
        schedule_flush: Callable[[], None],
        jitter: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self.progress = Progress()
        self.pending: PendingRetry | None = None  # a wait that an earlier run left
        self._name = name
        self._sink = sink
        self._batching = sink if isinstance(sink, Batching) else None
        self._batch = self._batching.batch if self._batching else 1
        self._tracker = tracker
        self._interrupt = interrupt
        self._schedule_flush = schedule_flush
        self._jitter = jitter
        self._now_ms = now_ms

    def start(self, flight: InFlight) -> None:
        """Begin with lanes that no task works at, as many as the sink takes at once."""
        for lane in flight.idle(self._sink.lanes):
            flight.begin(lane, asyncio.create_task(self._run(flight, lane), name=f"{self._name} {lane}"))

    async def retry_dead_letters(self) -> None:
        """Try every dead letter once more. Raises StoreError."""
        cursor = self._tracker.cursor
        for item in await cursor.dead_letters():
            outcome = await self._deliver([item])
            if isinstance(outcome, Delivered):
                self.progress.delivered += 1
                await cursor.requeue(item.seq)
            else:
                self.progress.last_error = outcome.reason
                await cursor.dead_letter(item.seq, outcome.reason)

    async def _run(self, flight: InFlight, lane: str) -> None:
        """Deliver what is in a lane, until it is empty or an interrupt comes. Raises StoreError."""
        alone = tried = 0  # up to this position one by one, as they were not taken together in so many attempts
        while (group := flight.first(lane, self._batch)) and not self._interrupt.is_set():
            poison, attempt = PoisonDetector(lambda: self.progress.delivered), 0
            if group[0].seq <= alone:
                group, attempt = group[:1], tried
            pending = self.pending if self.pending and self.pending.seq == group[0].seq else None
            if pending:
                attempt = pending.attempt
            outcome = await self._deliver(group)
            while isinstance(outcome, Retry):
                attempt += 1
                if poison.suspects(attempt):
                    if len(group) > 1:
                        break  # one of them may be what cannot be taken
                    if await self._is_poison(poison, flight, lane):
                        outcome = Reject(f"{outcome.reason}, {attempt} times, while others got through")
                        break
                until_ms = pending.until_ms if pending else None
                if not await self._wait(group[0].seq, attempt, outcome.reason, until_ms):
                    return
                pending = None
                outcome = await self._deliver(group)
            if len(group) > 1 and not isinstance(outcome, Delivered):
                alone, tried = group[-1].seq, attempt
                continue
            for queued in group:
                await self._finish(flight, queued, lane, outcome)

    async def _is_poison(self, poison: PoisonDetector, flight: InFlight, lane: str) -> bool:
        """True when it is the event that cannot be taken, and not the sink that is down.

        Where no other event has been taken meanwhile, the one behind it is tried, and finished if that is taken.
        """
        if poison.others_delivered:
            return True
        following = flight.first(lane, 2)[1:]
        if not following:
            return False
        outcome = await self._deliver(following)
        if not isinstance(outcome, Delivered):
            return False
        await self._finish(flight, following[0], lane, outcome)
        return True

    async def _finish(self, flight: InFlight, queued: Queued, lane: str, outcome: Outcome) -> None:
        self.progress.waiting = False
        if isinstance(outcome, Delivered):
            self.progress.delivered += 1
        else:
            self.progress.last_error = outcome.reason
            await self._tracker.cursor.dead_letter(queued.seq, outcome.reason)
        flight.finish(queued, lane)
        self._tracker.done = flight.cursor
        if self._sink.lanes == self._batch == 1:
            await self._tracker.flush(flight.cursor)  # at once, so that a crash repeats one event at most
        else:
            self._schedule_flush()

    async def _wait(self, seq: int, attempt: int, reason: str, until_ms: int | None) -> bool:
        """Wait for the next attempt; False when an interrupt came first."""
        self.note_failure(reason)
        now_ms = self._now_ms()
        if until_ms is None or until_ms - now_ms > LONGEST_DELAY_S * 1000:
            until_ms = now_ms + round(delay_s(attempt, self._jitter) * 1000)
        await self._tracker.cursor.save_retry(PendingRetry(seq, attempt, until_ms, reason))
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
            return await self._sink.deliver(group[0].event)
        except Exception as error:  # a sink that breaks its promise is one that failed
            log.exception("sink broke", sink=self._name, event=group[0].event.id)
            return Retry(f"{type(error).__name__}: {error}")

    def note_failure(self, reason: str) -> None:
        """Count a failure after which the sink waits."""
        self.progress.failures += 1
        self.progress.waiting = True
        self.progress.last_error = reason
