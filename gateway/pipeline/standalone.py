"""The core of a gateway that is alone: everything in one database."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from ridethrough.gateway.build.destinations import forwards_of, sinks_of
from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.sinks import SseSink
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Open
from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.convert import Trust
from ridethrough.gateway.deliver.forward import CURSOR, Forwarder
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.core import DeliverySet, GatewayCallbacks
from ridethrough.gateway.pipeline.ingest import Ingest, IngestHooks
from ridethrough.gateway.pipeline.reload import apply, changes
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, Damage, EngineIdentity, JournalDamage, Record
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import EventReader
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.recovery import Salvage
from ridethrough.gateway.storage.sqlite.retention import Limits, Retention
from ridethrough.mibs import MibTree

log = structlog.get_logger("gateway")

# Of engine identifiers of our own making (RFC 3411 section 5), under the number for examples (RFC 5612).
ENGINE_PREFIX = bytes.fromhex("80007ed905")


def fresh_identity(unix_ms: Callable[[], int]) -> EngineIdentity:
    """An SNMP engine that nobody has known before."""
    return EngineIdentity(ENGINE_PREFIX + os.urandom(8), 1, unix_ms() // 1000, random.getrandbits(32))


class StandaloneCore:
    """One process, one database.."""

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
        # The same that is written to: it knows what has just been told.
        self._journal, self._outbox = self._ingest.journal, self._ingest.outbox
        self._dispatcher = Dispatcher(self._outbox, sinks_of(site, lambda: unix_ms() // 1000), random.random, unix_ms)
        trust = Trust(lambda: self._stages.communities, self._stages.read)
        forwards = forwards_of(site, lambda: unix_ms() / 1000)
        self._forwarder = Forwarder(self._outbox, lambda: self._journal.after, forwards, trust, random.random)
        limits = Limits(site.journal.keep_days, site.journal.keep_mib)
        self._retention = Retention(store, limits, *_cursors(site))
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def events(self) -> EventReader:
        return self._outbox

    @property
    def waiting(self) -> int:
        return self._ingest.waiting

    @property
    def trouble(self) -> str:
        return self._ingest.trouble

    def parts(self) -> Sequence[DeliverySet]:
        return (DeliverySet(self._dispatcher, self._forwarder),)

    def hear(self, arrivals: Iterable[Arrival]) -> None:
        self._ingest.hear(arrivals)

    async def reload(self, site: Site) -> None:
        what = changes(self._site, site, self._unix_ms)
        self._stages.reload(stage_config(site))
        self._site = site
        self._retention.track(*_cursors(site))
        await apply(what, self._dispatcher, self._forwarder, (await self._journal.extent())[1])

    def conditions(self) -> dict[str, dict[str, Open]]:
        return self._stages.state.open

    async def record(self, position: int, partition: int) -> Record | None:
        records = await self._journal.after(position - 1, 1) if partition == 0 else []
        return records[0] if records and records[0].position == position else None

    async def start(self) -> None:
        identity = await self._outbox.identity(fresh_identity(self._unix_ms))
        await self._ingest.start(identity)
        self._tell_salvage(self._store.salvaged)
        self._sweeping = asyncio.create_task(self._retention.run(self._unix_ms), name="retention")
        self._dispatcher.start()
        await self._forwarder.start((await self._journal.extent())[1], identity)
        await self._callbacks.watch(self._devices)

    async def stop(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._ingest.stop()
        await self._dispatcher.stop()
        await self._forwarder.stop()

    async def row(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "place": self._store.place,
            "durable": self._store.durable,
            "trouble": self.trouble,
            "waiting": self.waiting,
            "kept_for_destinations": self._retention.waiting,
        }
        try:
            row["records"], row["last_position"] = await self._journal.extent()
            row["events"] = await self._outbox.last_seq()
        except StoreError as error:  # what cannot be read is not known, and the rest is wanted all the more
            row["trouble"] = row["trouble"] or str(error)
            row |= {"records": None, "last_position": None, "events": None}
        return row

    def _journal_grown(self) -> None:
        self._forwarder.notify()

    def _events_added(self) -> None:
        self._dispatcher.notify()
        self._callbacks.on_events()

    async def _reopen(self) -> None:
        self._tell_salvage(await self._store.reopen())

    def _tell_salvage(self, salvage: Salvage | None) -> None:
        """What could not be saved of a damaged journal is told like any other loss."""
        if salvage is not None:
            log.error("the journal was damaged", **salvage._asdict())
            self._callbacks.observe(JournalDamage("journal", Damage(*salvage)))


def _cursors(site: Site) -> tuple[list[str], list[str]]:
    """The cursors over the journal and over the events that retention waits for."""
    return [CURSOR + name for name in site.forwards], [
        name for name, sink in site.sinks.items() if not isinstance(sink, SseSink)
    ]
