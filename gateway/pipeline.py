"""From what arrives to events on disk: the journal first, then the thinking stages, then the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from gateway.decode.usm import MOST_ENGINES
from gateway.deliver import Outbox
from gateway.journal import Journal
from gateway.metrics import Metrics
from gateway.receive import FairQueue
from gateway.records import Arrival, EngineIdentity, Event, Record, RecordKind
from gateway.store import StoreError
from gateway.thinking import Thinking

log = structlog.get_logger("gateway")

HIGH_WATER = 100_000  # arrivals waiting for the journal; above it the kernel's buffers hold what comes
GROUP = 2048  # arrivals of one commit; sources share them
SLICE = 512  # records worked off between looks at the rest of the loop
RECOVERY_S = 1.0


class Hooks(NamedTuple):
    """What the pipeline asks of its surroundings."""

    answer: Callable[[Arrival, bytes], None]  # acknowledge an inform, which is on disk now
    journaled: Callable[[], None]  # the journal has grown
    told: Callable[[], None]  # the outbox has grown
    heal: Callable[[], Awaitable[None]]  # after a write that failed; raises StoreError
    full: Callable[[bool], None]  # whether listeners should leave datagrams in the kernel's buffers


class Pipeline:
    """The thinking stages of one site, and their memory."""

    def __init__(
        self,
        thinking: Thinking,
        journal: Journal,
        outbox: Outbox,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        hooks: Hooks,
    ) -> None:
        self.thinking = thinking
        self._journal = journal
        self._outbox = outbox
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._hooks = hooks
        self._arrivals = FairQueue()
        self._arrived = asyncio.Event()
        self._full = False
        self._ending = False
        self._tick_timer: asyncio.TimerHandle | None = None
        self._tick_for: int | None = None
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""  # why nothing can be written, while that is so

    @property
    def waiting(self) -> int:
        """Arrivals that are not in the journal yet."""
        return len(self._arrivals)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self, identity: EngineIdentity) -> None:
        """Take up what an earlier run left, and go on. Raises StoreError."""
        if self.thinking.needs_engine:
            self.thinking.know_engine(identity, await self._outbox.clocks(MOST_ENGINES))
        await self._resume()
        self._task = asyncio.create_task(self._work(), name="pipeline")
        self._arm_tick()

    async def stop(self) -> None:
        """Work off what was heard. Never broken off halfway: the stages' memory and the outbox would part."""
        if self._tick_timer:
            self._tick_timer.cancel()
        self._ending = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._arrivals:
            log.error("cannot write at the end", reason=self.trouble, lost=len(self._arrivals))

    # --- hearing ----------------------------------------------------------------------------------------------

    def hear(self, arrivals: Iterable[Arrival]) -> None:
        """Take what arrived."""
        self._arrivals.extend(arrivals)
        self._arrived.set()
        if not self._full and len(self._arrivals) > HIGH_WATER:
            self._full = True
            self._hooks.full(True)

    async def _work(self) -> None:
        while self._arrivals or not self._ending:
            await self._arrived.wait()
            arrivals = self._arrivals.take(GROUP)
            if not self._arrivals and not self._ending:
                self._arrived.clear()
            if self._full and len(self._arrivals) < HIGH_WATER // 2:
                self._full = False
                self._hooks.full(False)
            try:
                await self._work_off(arrivals)
            except StoreError as error:
                await self._recover(arrivals, error)
                if self.trouble:
                    return  # the end came first

    async def _work_off(self, arrivals: list[Arrival]) -> None:
        """Journal first: nothing below the first line sees what is not on disk. Raises StoreError."""
        if not arrivals:
            return
        records = await self._journal.append(arrivals)
        arrivals.clear()
        self._hooks.journaled()
        for start in range(0, len(records), SLICE):
            await self._process(records[start : start + SLICE], acknowledge=True)

    async def _recover(self, arrivals: list[Arrival], error: StoreError) -> None:
        """After a write that failed: nothing was acknowledged; go on from what is on disk, once it can be read."""
        log.error("cannot write; informs wait", reason=str(error))
        self.trouble = str(error)
        self._arrivals.put_back(arrivals)
        while self.trouble and not self._ending:
            await asyncio.sleep(RECOVERY_S)
            try:
                await self._hooks.heal()
                await self._resume()
                self.trouble = ""
            except StoreError as again:
                self.trouble = str(again)
        if not self.trouble:
            log.info("writing again")
        if self._arrivals:
            self._arrived.set()

    # --- working off ------------------------------------------------------------------------------------------

    async def _resume(self) -> None:
        """Take up the stages' memory and the journal's remainder from disk. Raises StoreError."""
        processed, memory = await self._outbox.resume()
        self.thinking.remember(memory)
        while records := await self._journal.after(processed, SLICE):
            await self._process(records, acknowledge=False)
            processed = records[-1].position

    async def _process(self, records: list[Record], *, acknowledge: bool) -> None:
        events: list[Event] = []
        answers: list[tuple[Arrival, bytes]] = []
        for record in records:
            try:
                concluded = self.thinking.conclude(record)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.failed()
                continue
            events += concluded.events
            if concluded.answer is not None:
                answers.append((record.arrival, concluded.answer))
            if concluded.held:
                self._metrics.held()
            elif concluded.outcome is not None:
                self._metrics.decoded(concluded.outcome)
        last = records[-1]
        memory = self.thinking.memory(last.arrival.at_ms)
        await self._outbox.add(events, last.position, memory, self.thinking.moved_clocks())
        if acknowledge:
            for arrival, answer in answers:
                self._hooks.answer(arrival, answer)
        self._metrics.told(events)
        self._arm_tick()
        if events:
            self._hooks.told()

    # --- deadlines --------------------------------------------------------------------------------------------

    def _arm_tick(self) -> None:
        deadline = self.thinking.next_deadline_ms()
        if deadline == self._tick_for:
            return
        if self._tick_timer:
            self._tick_timer.cancel()
            self._tick_timer = None
        self._tick_for = deadline
        if deadline is not None:
            delay_s = max(0, deadline - self._unix_ms()) / 1000
            self._tick_timer = asyncio.get_running_loop().call_later(delay_s, self._tick, deadline)

    def _tick(self, deadline: int) -> None:
        # Never earlier than the deadline itself, even when the loop calls a little early.
        self.hear([Arrival(max(deadline, self._unix_ms()), RecordKind.TICK, b"")])
