"""Runs the stages over records; events go to the outbox together with the state that the stages are in then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, EngineClock, Event, Record
from ridethrough.gateway.storage.interfaces import OutboxWrite

log = structlog.get_logger("gateway")

SLICE = 512  # records processed before other tasks of the loop run


class Records(Protocol):
    """A journal, or a partition of one, to be read."""

    async def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records behind a position, in order. Raises StoreError."""


class EventOutbox(Protocol):
    """Stores events. All methods raise StoreError."""

    async def resume(self) -> tuple[int, bytes]:
        """The position up to which events were stored, and the state stored with them; empty at first."""

    async def add(
        self, events: Sequence[Event], processed: int, state: bytes, clocks: Sequence[EngineClock] = ()
    ) -> None:
        """Store events with the position up to which they follow and the state there, all or nothing."""


@dataclass(slots=True)
class Derived:
    """Result of records up to `position`, not stored yet."""

    events: list[Event]
    acks: list[tuple[Arrival, bytes]]  # acknowledgements of informs
    position: int
    state: bytes = b""
    clocks: Sequence[EngineClock] = ()

    @property
    def kept(self) -> OutboxWrite:
        """As an outbox takes it."""
        return OutboxWrite(self.events, self.position, self.state, self.clocks)


class StageRunner:
    """Runs the stages of one journal, or of one partition of it.

    `on_events` is called when new events are on disk, `tick` when a deadline has come, with its Unix time.
    """

    def __init__(
        self,
        stages: Stages,
        outbox: EventOutbox,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        on_events: Callable[[], None],
        tick: Callable[[int], None],
    ) -> None:
        self.stages = stages
        self._outbox = outbox
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._on_events = on_events
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: int | None = None

    async def resume(self, journal: Records) -> int:
        """Load the stages' state and process the rest of the journal. Returns its position. Raises StoreError."""
        processed, state = await self._outbox.resume()
        self.stages.load_state(state)
        while records := await journal.after(processed, SLICE):
            await self.process(records)
            processed = records[-1].position
        self.arm()
        return processed

    async def process(self, records: Sequence[Record]) -> list[tuple[Arrival, bytes]]:
        """Derive and store what follows from the next records. Returns the acknowledgements. Raises StoreError."""
        derived = await self.derive(records)
        await self._outbox.add(*derived.kept)
        self.committed(derived)
        return derived.acks

    async def derive(self, records: Sequence[Record]) -> Derived:
        """Derive what follows from the next records. The caller stores it, and then calls `committed`."""
        derived = Derived([], [], records[-1].position)
        for start in range(0, len(records), SLICE):
            if start:
                await asyncio.sleep(0)
            self._derive_slice(records[start : start + SLICE], derived)
        derived.state = self.stages.dump_state(records[-1].arrival.at_ms)
        derived.clocks = self.stages.moved_clocks()
        return derived

    def _derive_slice(self, records: Sequence[Record], derived: Derived) -> None:
        suppressed = at = 0
        while at < len(records):
            record = records[at]
            try:
                result = self.stages.process(records, at)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.count_failed()
                at += 1
                continue
            at += result.count
            if result.events:
                derived.events += result.events
            if result.ack is not None:
                derived.acks.append((record.arrival, result.ack))
            if result.suppressed:
                suppressed += result.count
            elif result.outcome:
                self._metrics.count_datagrams(result.outcome)
        if suppressed:
            self._metrics.count_suppressed(suppressed)

    def committed(self, derived: Derived) -> None:
        """Update metrics and the timer. To be called once `derived` is on disk."""
        self._metrics.count_events(derived.events)
        self.arm()
        if derived.events:
            self._on_events()

    # --- deadlines --------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Set the timer to the next deadline of the stages."""
        deadline = self.stages.next_deadline_ms()
        if deadline == self._timer_for:
            return
        self.disarm()
        self._timer_for = deadline
        if deadline is not None:
            delay_s = max(0, deadline - self._unix_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._due, deadline)

    def disarm(self) -> None:
        """Cancel the timer."""
        if self._timer:
            self._timer.cancel()
        self._timer = self._timer_for = None

    def _due(self, deadline: int) -> None:
        # Never earlier than the deadline itself, even when the loop calls a little early.
        self._tick(max(deadline, self._unix_ms()))
