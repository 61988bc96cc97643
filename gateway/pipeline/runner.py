"""Records worked off: what follows from them goes to the outbox, together with the memory it left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.stages import SUPPRESSED, Stages
from ridethrough.gateway.records import Arrival, EngineClock, Event, Record
from ridethrough.gateway.storage.interfaces import OutboxWrite

log = structlog.get_logger("gateway")

SLICE = 512  # records worked off between looks at the rest of the loop


class Records(Protocol):
    """A journal, or a part of one, to be read."""

    async def after(self, position: int, limit: int) -> list[Record]: ...


class Outbox(Protocol):
    """Where events go. All methods raise StoreError."""

    async def resume(self) -> tuple[int, bytes]: ...

    async def add(
        self, events: Sequence[Event], processed: int, state: bytes, clocks: Sequence[EngineClock] = ()
    ) -> None: ...


@dataclass(slots=True)
class Derived:
    """What follows from records up to `position`."""

    events: list[Event]
    answers: list[tuple[Arrival, bytes]]  # acknowledgements of informs
    position: int
    state: bytes = b""
    clocks: Sequence[EngineClock] = ()

    @property
    def kept(self) -> OutboxWrite:
        """As an outbox takes it."""
        return OutboxWrite(self.events, self.position, self.state, self.clocks)


class StageRunner:
    """The stages of one journal, or of one part of it. `tick` is called when a deadline has come, with its time."""

    def __init__(
        self,
        stages: Stages,
        outbox: Outbox,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        told: Callable[[], None],
        tick: Callable[[int], None],
    ) -> None:
        self.stages = stages
        self._outbox = outbox
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._told = told
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: int | None = None

    async def resume(self, journal: Records) -> int:
        """Take up the stages' memory, and the journal's remainder; the position reached. Raises StoreError."""
        processed, state = await self._outbox.resume()
        self.stages.load_state(state)
        while records := await journal.after(processed, SLICE):
            await self.process(records)
            processed = records[-1].position
        self.arm()
        return processed

    async def process(self, records: Sequence[Record]) -> list[tuple[Arrival, bytes]]:
        """Work off records that stand behind those before; the acknowledgements of informs. Raises StoreError."""
        derived = await self.derive(records)
        await self._outbox.add(*derived.kept)
        self.committed(derived)
        return derived.answers

    async def derive(self, records: Sequence[Record]) -> Derived:
        """What follows from records that stand behind those before. It is to be kept, and then to be settled."""
        derived = Derived([], [], records[-1].position)
        for start in range(0, len(records), SLICE):
            if start:
                await asyncio.sleep(0)
            self._derive_slice(records[start : start + SLICE], derived)
        derived.state = self.stages.dump_state(records[-1].arrival.at_ms)
        derived.clocks = self.stages.moved_clocks()
        return derived

    def _derive_slice(self, records: Sequence[Record], derived: Derived) -> None:
        held = at = 0
        while at < len(records):
            record = records[at]
            at += 1
            try:
                result = self.stages.process(record)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.failed()
                continue
            if result is SUPPRESSED:
                more = self.stages.suppressed_with(records, at)
                held += 1 + more
                at += more
                continue
            if result.events:
                derived.events += result.events
            if result.answer is not None:
                derived.answers.append((record.arrival, result.answer))
            if result.suppressed:
                held += 1
            elif result.outcome:
                self._metrics.decoded(result.outcome)
        if held:
            self._metrics.held(held)

    def committed(self, derived: Derived) -> None:
        """It is on disk."""
        self._metrics.told(derived.events)
        self.arm()
        if derived.events:
            self._told()

    # --- deadlines --------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Wait for the next deadline."""
        deadline = self.stages.next_deadline_ms()
        if deadline == self._timer_for:
            return
        self.disarm()
        self._timer_for = deadline
        if deadline is not None:
            delay_s = max(0, deadline - self._unix_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._due, deadline)

    def disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._timer_for = None

    def _due(self, deadline: int) -> None:
        # Never earlier than the deadline itself, even when the loop calls a little early.
        self._tick(max(deadline, self._unix_ms()))
