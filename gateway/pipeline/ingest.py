"""From what arrives to events on disk: the journal first, then the stages, then the outbox.

One commit keeps a group of arrivals together with the events derived from the group before it (group commit). An inform
is acknowledged after the commit that has it (`_work`), so that what was acknowledged is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from ridethrough.gateway.decode.usm import MAX_ENGINES
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.intake import Intake
from ridethrough.gateway.pipeline.runner import Derived, StageRunner
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, EngineIdentity, RecordKind
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.group_commit import GroupCommit

log = structlog.get_logger("gateway")

FULL_BATCH = 64  # arrivals that are worth a commit at once
YIELDS = 4  # of the loop before a commit of fewer
RETRY_S = 1.0


class IngestHooks(NamedTuple):
    """Callbacks of `Ingest`."""

    send_ack: Callable[[Arrival, bytes], None]  # acknowledge an inform; its record and events are durable now
    on_journal_growth: Callable[[], None]
    on_events: Callable[[], None]  # the outbox has grown
    reopen_store: Callable[[], Awaitable[None]]  # after a write that failed; raises StoreError
    set_backpressure: Callable[[bool], None]  # whether listeners should leave datagrams in the kernel's buffers


class Ingest:
    """Journals what arrives, derives events, and acknowledges informs once both are on disk."""

    def __init__(
        self,
        stages: Stages,
        store: Database,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        hooks: IngestHooks,
    ) -> None:
        self.stages = stages
        self._storage = GroupCommit(store)
        self.journal, self.outbox = self._storage.journal, self._storage.outbox
        self._runner = StageRunner(stages, self.outbox, unix_ms, metrics, hooks.on_events, self._tick)
        self._hooks = hooks
        self._arrivals = Intake(hooks.set_backpressure)
        self._arrived = asyncio.Event()
        self._ending = False
        self._task: asyncio.Task[None] | None = None
        self.write_error = ""  # why nothing can be written, while that is so

    @property
    def waiting(self) -> int:
        """Number of arrivals that are not in the journal yet."""
        return len(self._arrivals)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self, identity: EngineIdentity) -> None:
        """Load the state that an earlier run left, and begin. Raises StoreError."""
        self.stages.set_engine(identity, await self.outbox.clocks(MAX_ENGINES))
        await self._runner.resume(self.journal)
        self._task = asyncio.create_task(self._work(), name="pipeline")

    async def stop(self) -> None:
        """Commit what was accepted. Never cancelled halfway: the state of the stages and the outbox would differ."""
        self._runner.disarm()
        self._ending = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._arrivals:
            log.error("cannot write at the end", reason=self.write_error, lost=len(self._arrivals))

    # --- receiving ----------------------------------------------------------------------------------------------

    def accept(self, arrivals: Iterable[Arrival]) -> None:
        """Queue arrivals for the journal; returns at once."""
        self._arrivals.extend(arrivals)
        self._arrived.set()

    async def _work(self) -> None:
        """Journal first: nothing is derived from what is not on disk.

        A commit has what was derived from one group of arrivals together with the group that arrived meanwhile.
        """
        derived: Derived | None = None
        while self._arrivals or derived or not self._ending:
            if derived is None:
                await self._arrived.wait()
            await self._yield_before_commit()
            arrivals = self._take()
            try:
                records = await self._storage.commit(None if derived is None else derived.kept, arrivals)
            except StoreError as error:
                await self._resume_when_writable(arrivals, error)
                if self.write_error:
                    return  # the end came first
                derived = None
                continue
            if derived is not None:
                self._runner.committed(derived)
                for arrival, ack in derived.acks:
                    self._hooks.send_ack(arrival, ack)
            derived = None
            if records:
                self._hooks.on_journal_growth()
                derived = await self._runner.derive(records)

    async def _yield_before_commit(self) -> None:
        """Yield to the event loop so that ready tasks run first: a busy loop makes fewer and larger commits.

        Without it commits follow each other as fast as they can, and deliveries of earlier events wait for them.
        """
        for _ in range(YIELDS):
            if len(self._arrivals) >= FULL_BATCH:
                return
            await asyncio.sleep(0)

    def _take(self) -> list[Arrival]:
        arrivals = self._arrivals.take()
        if not self._arrivals and not self._ending:
            self._arrived.clear()
        return arrivals

    async def _resume_when_writable(self, arrivals: list[Arrival], error: StoreError) -> None:
        """Go on from what is on disk, once it can be read, after a write that failed; nothing was acknowledged."""
        log.error("cannot write; informs wait", reason=str(error))
        self.write_error = str(error)
        self._arrivals.put_back(arrivals)
        while self.write_error and not self._ending:
            await asyncio.sleep(RETRY_S)
            try:
                await self._hooks.reopen_store()
                await self._runner.resume(self.journal)
                self.write_error = ""
            except StoreError as again:
                self.write_error = str(again)
        if not self.write_error:
            log.info("writing again")
        if self._arrivals:
            self._arrived.set()

    def _tick(self, at_ms: int) -> None:
        self.accept([Arrival(at_ms, RecordKind.TICK, b"")])
