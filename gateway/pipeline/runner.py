"""Records worked off: what follows from them goes to the outbox, together with the memory it left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.stages import HELD, Thinking
from ridethrough.gateway.records import Arrival, EngineClock, Event, Record

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
class Outcome:
    """What follows from records up to `position`."""

    events: list[Event]
    answers: list[tuple[Arrival, bytes]]  # acknowledgements of informs
    position: int
    memory: bytes = b""
    clocks: Sequence[EngineClock] = ()

    @property
    def kept(self) -> tuple[Sequence[Event], int, bytes, Sequence[EngineClock]]:
        """As an outbox takes it."""
        return self.events, self.position, self.memory, self.clocks


class Processor:
    """The stages of one journal, or of one part of it. `tick` is called when a deadline has come, with its time."""

    def __init__(
        self,
        thinking: Thinking,
        outbox: Outbox,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        told: Callable[[], None],
        tick: Callable[[int], None],
    ) -> None:
        self.thinking = thinking
        self._outbox = outbox
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._told = told
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: int | None = None

    async def resume(self, journal: Records) -> int:
        """Take up the stages' memory, and the journal's remainder; the position reached. Raises StoreError."""
        processed, memory = await self._outbox.resume()
        self.thinking.remember(memory)
        while records := await journal.after(processed, SLICE):
            await self.process(records)
            processed = records[-1].position
        self.arm()
        return processed

    async def process(self, records: Sequence[Record]) -> list[tuple[Arrival, bytes]]:
        """Work off records that stand behind those before; the acknowledgements of informs. Raises StoreError."""
        outcome = await self.think(records)
        await self._outbox.add(*outcome.kept)
        self.settle(outcome)
        return outcome.answers

    async def think(self, records: Sequence[Record]) -> Outcome:
        """What follows from records that stand behind those before. It is to be kept, and then to be settled."""
        outcome = Outcome([], [], records[-1].position)
        for start in range(0, len(records), SLICE):
            if start:
                await asyncio.sleep(0)
            self._think(records[start : start + SLICE], outcome)
        outcome.memory = self.thinking.memory(records[-1].arrival.at_ms)
        outcome.clocks = self.thinking.moved_clocks()
        return outcome

    def _think(self, records: Sequence[Record], outcome: Outcome) -> None:
        held = at = 0
        while at < len(records):
            record = records[at]
            at += 1
            try:
                concluded = self.thinking.conclude(record)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.failed()
                continue
            if concluded is HELD:
                more = self.thinking.held_with(records, at)
                held += 1 + more
                at += more
                continue
            if concluded.events:
                outcome.events += concluded.events
            if concluded.answer is not None:
                outcome.answers.append((record.arrival, concluded.answer))
            if concluded.held:
                held += 1
            elif concluded.outcome:
                self._metrics.decoded(concluded.outcome)
        if held:
            self._metrics.held(held)

    def settle(self, outcome: Outcome) -> None:
        """It is on disk."""
        self._metrics.told(outcome.events)
        self.arm()
        if outcome.events:
            self._told()

    # --- deadlines --------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Wait for the next deadline."""
        deadline = self.thinking.next_deadline_ms()
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
