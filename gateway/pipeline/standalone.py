"""The core of a gateway that is alone: everything in one database."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Sequence

import structlog

from ridethrough.gateway.build.destinations import forwards_of, sinks_of
from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Open
from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.convert import SenderPolicy
from ridethrough.gateway.deliver.forward import Forwarder
from ridethrough.gateway.deliver.sinks import SinkConfig
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.core import DeliverySet, GatewayCallbacks
from ridethrough.gateway.pipeline.ingest import Ingest, IngestHooks
from ridethrough.gateway.pipeline.reload import apply, changes
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, Damage, EngineIdentity, JournalDamage, Record
from ridethrough.gateway.status import JournalStatus
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import EventReader, forward_cursor
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.repair import RepairReport
from ridethrough.gateway.storage.sqlite.retention import Retention, RetentionLimits
from ridethrough.mibs import MibTree

log = structlog.get_logger("gateway")

# Of engine identifiers of our own making (RFC 3411 section 5), under the number for examples (RFC 5612).
ENGINE_PREFIX = bytes.fromhex("80007ed905")


def fresh_identity(unix_ms: Callable[[], int]) -> EngineIdentity:
    """A new SNMP engine, with an identifier at random (RFC 3411 section 5)."""
    return EngineIdentity(ENGINE_PREFIX + os.urandom(8), 1, unix_ms() // 1000, random.getrandbits(32))


class StandaloneCore:
    """The core of one process with one database."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        store: Database,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        callbacks: GatewayCallbacks,
    ) -> None:
        self._site = site
        self._store = store
        self._unix_ms = unix_ms
        self._callbacks = callbacks
        self._devices = list(site.devices)
        self._stages = Stages(stage_config(site), tree)
        hooks = IngestHooks(
            send_ack=callbacks.send_ack,
            on_journal_growth=self._journal_grown,
            on_events=self._events_added,
            reopen_store=self._reopen,
            set_backpressure=callbacks.set_backpressure,
        )
        self._ingest = Ingest(self._stages, store, unix_ms, metrics, hooks)
        # Those that are written to: they have the newest items in memory.
        self._journal, self._outbox = self._ingest.journal, self._ingest.outbox
        self._dispatcher = Dispatcher(self._outbox, sinks_of(site, lambda: unix_ms() // 1000), random.random, unix_ms)
        policy = SenderPolicy(lambda: self._stages.communities, self._stages.read)
        forwards = forwards_of(site, unix_ms)
        self._forwarder = Forwarder(self._outbox, lambda: self._journal.after, forwards, policy, random.random)
        limits = RetentionLimits(site.journal.keep_days, site.journal.keep_mib)
        self._retention = Retention(store, limits, *_cursors(site))
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def events(self) -> EventReader:
        """All events."""
        return self._outbox

    @property
    def waiting(self) -> int:
        """Number of arrivals that are not written yet."""
        return self._ingest.waiting

    @property
    def write_error(self) -> str:
        """The reason for which nothing can be written; empty when it can."""
        return self._ingest.write_error

    def parts(self) -> Sequence[DeliverySet]:
        """All destinations, as one part."""
        return (DeliverySet(self._dispatcher, self._forwarder),)

    def accept(self, arrivals: Iterable[Arrival]) -> None:
        """Queue arrivals for the journal; returns at once."""
        self._ingest.accept(arrivals)

    async def reload(self, site: Site) -> None:
        """Go on with a changed site. Raises SecretError with nothing changed, and StoreError."""
        what = changes(self._site, site, self._unix_ms)
        self._stages.reload(stage_config(site))
        self._site = site
        self._retention.track(*_cursors(site))
        await apply(what, self._dispatcher, self._forwarder, (await self._journal.extent())[1])

    def conditions(self) -> dict[str, dict[str, Open]]:
        """Open conditions by device."""
        return self._stages.state.open

    async def record(self, position: int, partition: int) -> Record | None:
        """A record by its position, in partition 0; None when it is gone. Raises StoreError."""
        records = await self._journal.after(position - 1, 1) if partition == 0 else []
        return records[0] if records and records[0].position == position else None

    async def start(self) -> None:
        """Load what an earlier run left, and begin to work. Raises StoreError."""
        identity = await self._outbox.identity(fresh_identity(self._unix_ms))
        await self._ingest.start(identity)
        self._report_repair(self._store.repaired)
        self._sweeping = asyncio.create_task(self._retention.run(self._unix_ms), name="retention")
        self._dispatcher.start()
        await self._forwarder.start((await self._journal.extent())[1], identity)
        await self._callbacks.watch(self._devices)

    async def stop(self) -> None:
        """Write what was accepted, and close."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._ingest.stop()
        await self._dispatcher.stop()
        await self._forwarder.stop()

    async def status(self) -> JournalStatus:
        """Extent and state of the journal. Raises nothing."""
        reason = self.write_error
        records = last_position = events = None
        try:
            extent, events = await self._journal.extent(), await self._outbox.last_seq()
            records, last_position = extent
        except StoreError as error:  # what cannot be read is not known, and the rest is wanted all the more
            reason = reason or str(error)
        return JournalStatus(
            self._store.place,
            self._store.durable,
            reason,
            self.waiting,
            self._retention.waiting,
            records=records,
            last_position=last_position,
            events=events,
        )

    def _journal_grown(self) -> None:
        self._forwarder.notify()

    def _events_added(self) -> None:
        self._dispatcher.notify()
        self._callbacks.on_events()

    async def _reopen(self) -> None:
        self._report_repair(await self._store.reopen())

    def _report_repair(self, report: RepairReport | None) -> None:
        """Log that a damaged journal was repaired, and observe the loss like any other."""
        if report is not None:
            log.error("the journal was damaged", **report._asdict())
            self._callbacks.observe(JournalDamage("journal", Damage(*report)))


def _cursors(site: Site) -> tuple[list[str], list[str]]:
    """The cursors over the journal and over the events that retention waits for."""
    return [forward_cursor(name) for name in site.forwards], [
        name for name, sink in site.sinks.items() if isinstance(sink, SinkConfig)
    ]
