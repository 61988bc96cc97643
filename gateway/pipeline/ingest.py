"""From what arrives to events on disk: the journal first, then the thinking stages, then the outbox."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from ridethrough.gateway.decode.usm import MOST_ENGINES
from ridethrough.gateway.deliver import Outbox
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.runner import Outcome, Processor
from ridethrough.gateway.pipeline.stages import Thinking
from ridethrough.gateway.receive import FairQueue
from ridethrough.gateway.records import Arrival, EngineIdentity, Record, RecordKind
from ridethrough.gateway.storage.sqlite.database import Store, StoreError
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import Told

log = structlog.get_logger("gateway")

HIGH_WATER = 100_000  # arrivals waiting for the journal; above it the kernel's buffers hold what comes
GROUP = 2048  # arrivals of one commit; sources share them
ENOUGH = 64  # arrivals that are worth a commit at once
TURNS = 4  # of the loop before a commit of fewer
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
        store: Store,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        hooks: Hooks,
    ) -> None:
        self.thinking = thinking
        self.outbox = Outbox(store)
        self._processor = Processor(thinking, self.outbox, unix_ms, metrics, hooks.told, self._tick)
        self._store = store
        self.journal = Journal(store)
        self._hooks = hooks
        self._arrivals = FairQueue()
        self._arrived = asyncio.Event()
        self._full = False
        self._ending = False
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""  # why nothing can be written, while that is so

    @property
    def waiting(self) -> int:
        """Arrivals that are not in the journal yet."""
        return len(self._arrivals)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self, identity: EngineIdentity) -> None:
        """Take up what an earlier run left, and go on. Raises StoreError."""
        self.thinking.introduce(identity, await self.outbox.clocks(MOST_ENGINES))
        await self._processor.resume(self.journal)
        self._task = asyncio.create_task(self._work(), name="pipeline")

    async def stop(self) -> None:
        """Work off what was heard. Never broken off halfway: the stages' memory and the outbox would part."""
        self._processor.disarm()
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
        """Journal first: nothing is concluded from what is not on disk.

        A commit keeps what was concluded from one group together with the group that arrived meanwhile.
        """
        outcome: Outcome | None = None
        while self._arrivals or outcome or not self._ending:
            if outcome is None:
                await self._arrived.wait()
            await self._give_way()
            arrivals = self._take()
            try:
                records = await self._commit(outcome, arrivals)
            except StoreError as error:
                await self._recover(arrivals, error)
                if self.trouble:
                    return  # the end came first
                outcome = None
                continue
            if outcome is not None:
                self._processor.settle(outcome)
                for arrival, answer in outcome.answers:
                    self._hooks.answer(arrival, answer)
            outcome = None
            if records:
                self.journal.grown(records)
                self._hooks.journaled()
                outcome = await self._processor.think(records)

    async def _give_way(self) -> None:
        """Let what is under way go first: a busy loop makes fewer and larger commits, an idle one waits for nothing.

        Without it commits follow each other as fast as they can, and what was told before waits for them.
        """
        for _ in range(TURNS):
            if len(self._arrivals) >= ENOUGH:
                return
            await asyncio.sleep(0)

    def _take(self) -> list[Arrival]:
        arrivals = self._arrivals.take(GROUP)
        if not self._arrivals and not self._ending:
            self._arrived.clear()
        if self._full and len(self._arrivals) < HIGH_WATER // 2:
            self._full = False
            self._hooks.full(False)
        return arrivals

    async def _commit(self, outcome: Outcome | None, arrivals: list[Arrival]) -> list[Record]:
        """The records of what arrived. Raises StoreError, with nothing kept."""
        appending = self.journal.appending(arrivals)
        if outcome is None:
            return await self._store.write(appending) if arrivals else []
        adding = self.outbox.adding(*outcome.kept)

        def work(connection: sqlite3.Connection) -> tuple[Told, list[Record]]:
            return adding(connection), appending(connection)

        told, records = await self._store.write(work)
        self.outbox.grown(told)
        return records

    async def _recover(self, arrivals: list[Arrival], error: StoreError) -> None:
        """After a write that failed: nothing was acknowledged; go on from what is on disk, once it can be read."""
        log.error("cannot write; informs wait", reason=str(error))
        self.trouble = str(error)
        self._arrivals.put_back(arrivals)
        while self.trouble and not self._ending:
            await asyncio.sleep(RECOVERY_S)
            try:
                await self._hooks.heal()
                await self._processor.resume(self.journal)
                self.trouble = ""
            except StoreError as again:
                self.trouble = str(again)
        if not self.trouble:
            log.info("writing again")
        if self._arrivals:
            self._arrived.set()

    def _tick(self, at_ms: int) -> None:
        self.hear([Arrival(at_ms, RecordKind.TICK, b"")])
