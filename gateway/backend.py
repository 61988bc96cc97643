"""The backend of the HTTP interface: shows and changes the parts of the running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog

from ridethrough.gateway.api import Refusal, Reloaded
from ridethrough.gateway.build.devices import status_of
from ridethrough.gateway.commands import CommandService
from ridethrough.gateway.config.secrets import SecretError
from ridethrough.gateway.config.site import Site, UpsDeviceConfig
from ridethrough.gateway.decode.fields import fields
from ridethrough.gateway.deliver.sinks import SinkConfig, SseConfig
from ridethrough.gateway.deliver.sinks.sse import Streams
from ridethrough.gateway.destinations import DestinationService
from ridethrough.gateway.devices.heartbeat import HeartbeatPoller
from ridethrough.gateway.devices.ups_poll import UpsPoller
from ridethrough.gateway.metrics import GaugeValues, Metrics
from ridethrough.gateway.pipeline.core import PipelineCore
from ridethrough.gateway.pipeline.reload import HOT_KEYS, needs_restart
from ridethrough.gateway.receive import Listener
from ridethrough.gateway.records import Audit, Command, Event, RecordKind
from ridethrough.gateway.status import ConditionStatus, DeviceStatus, JournalStatus, RecordStatus
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.audit import AuditLog
from ridethrough.gateway.vocabulary import EventType
from ridethrough.mibs import MibTree

log = structlog.get_logger("gateway")


class Parts(NamedTuple):
    """The parts of a gateway that its HTTP interface shows."""

    core: PipelineCore
    commands: CommandService
    poller: UpsPoller
    heartbeat: HeartbeatPoller
    audit_log: AuditLog
    metrics: Metrics
    listeners: Callable[[], Sequence[Listener]]  # those that are open
    working: Callable[[], bool]  # False before the start and from the stop on


class GatewayBackend:
    """Implements `ridethrough.gateway.api.Backend`."""

    def __init__(self, site: Site, tree: MibTree, parts: Parts, reread: Callable[[], Site] | None = None) -> None:
        """`reread` reads the site's file again, or raises Refusal; without it there is nothing to read again."""
        self.site = site
        self._tree = tree
        self._parts = parts
        self._core = parts.core
        self._reread = reread
        self._events = parts.core.events
        sse = next((sink for sink in site.sinks.values() if isinstance(sink, SseConfig)), None)
        self._streams = Streams(self._events, sse.max_clients if sse else SseConfig(type="sse").max_clients)
        self.destinations = DestinationService(
            _kinds(site), site.forwards, self._core.parts, self._events, self._extent, self._streams
        )

    def events_added(self) -> None:
        """Wake the event streams."""
        self._streams.notify()

    # --- devices and commands ---------------------------------------------------------------------------------

    def devices(self) -> list[DeviceStatus]:
        """All devices, in the order of the site file."""
        return [self.device(name) for name in self.site.devices]

    def device(self, name: str) -> DeviceStatus:
        """One device. Raises Refusal 404."""
        config = self.site.devices.get(name)
        if config is None:
            raise Refusal(404, f"there is no device {name!r}; known: {', '.join(self.site.devices) or 'none'}")
        poller = self._parts.poller if isinstance(config, UpsDeviceConfig) else self._parts.heartbeat
        answered_s = poller.last_answer_s(name)
        now_s = asyncio.get_running_loop().time()
        return msgspec.structs.replace(
            status_of(name, config),
            heard_s_ago=None if answered_s is None else round(now_s - answered_s, 3),
            readings=self._parts.poller.readings(name),
            conditions=sorted(self._core.conditions().get(name, {})),
            commands=list(self._parts.commands.names(name)),
        )

    async def submit(
        self, device: str, command: str, params: dict[str, Any], key: str, deadline_s: float, by: str
    ) -> tuple[Command, bool]:
        """Accept a command; the second value tells whether it is new. Raises Refusal 404, 409 and 422."""
        self.device(device)
        return await self._parts.commands.submit(device, command, params, key, deadline_s, by)

    async def commands_of(self, device: str, after: str, limit: int) -> list[Command]:
        """Commands of a device behind the one called `after`, oldest first. Raises Refusal 404."""
        self.device(device)
        return await self._parts.commands.of(device, after, limit)

    async def command(self, command_id: str) -> Command:
        """One command. Raises Refusal 404."""
        return await self._parts.commands.get(command_id)

    # --- events -----------------------------------------------------------------------------------------------

    async def events(self, after: str, limit: int) -> list[Event]:
        """Events behind the one called `after`; from the first when it is empty. Raises Refusal 404."""
        return await self._page(await self._seq(after), limit)

    async def last_events(self, count: int) -> list[Event]:
        """The newest `count` events, oldest first."""
        return await self._page(max(0, await self._events.last_seq() - count), count)

    async def _page(self, seq: int, limit: int) -> list[Event]:
        view = self._events.view()
        try:
            return [queued.event for queued in await view.after(seq, limit)]
        finally:
            await view.close()

    async def follow(self, after: str | None) -> AsyncIterator[Event]:
        """As `events`, and then each new one; only new ones when `after` is None."""
        seq = await self._events.last_seq() if after is None else await self._seq(after)
        async for queued in self._streams.follow(seq):
            yield queued.event

    async def _seq(self, after: str) -> int:
        seq = await self._events.seq_of(after) if after else 0
        if seq is None:
            raise Refusal(404, f"there is no event {after!r}")
        return seq

    def streams_full(self) -> bool:
        """True when no further client may follow the events."""
        return self._streams.full

    def event_types(self) -> Iterable[str]:
        """Types of the gateway's own events."""
        return [item.value for item in EventType]

    def conditions(self) -> list[ConditionStatus]:
        """Open conditions of all devices."""
        return [
            ConditionStatus(device, condition, **msgspec.structs.asdict(opened))
            for device, conditions in self._core.conditions().items()
            for condition, opened in conditions.items()
        ]

    # --- operation --------------------------------------------------------------------------------------------

    async def reload(self) -> Reloaded:
        """Read the site's file again. Raises Refusal 409 and 422, and everything stays as it was."""
        if self._reread is None:
            raise Refusal(409, "this gateway has no file to read again")
        site = self._reread()
        later = needs_restart(self.site, site)
        # What waits for a restart stays as it is, so that the next reading compares with what runs.
        hot = {key: getattr(site, key) for key in HOT_KEYS}
        access = site.access.model_copy(update={"sources": self.site.access.sources})
        site = self.site.model_copy(update=hot | {"access": access})
        try:
            await self._core.reload(site)
        except SecretError as error:
            raise Refusal(422, str(error)) from error
        self.site = site
        self.destinations.serve(_kinds(site), site.forwards)
        log.info("site read again", rules=len(site.rules), need_restart=later)
        return Reloaded(len(site.rules), later)

    async def journal(self) -> JournalStatus:
        """State of the journal and of the listeners."""
        listeners = [listener.status() for listener in self._parts.listeners()]
        return msgspec.structs.replace(await self._core.status(), listeners=listeners)

    async def record(self, position: int, partition: int) -> RecordStatus:
        """The record at a position of the journal, field by field. Raises Refusal 404."""
        record = await self._core.record(position, partition)
        if record is None:
            raise Refusal(404, f"there is no record {position}; it may be older than the journal keeps")
        arrival = record.arrival
        datagram = arrival.kind is RecordKind.DATAGRAM
        return RecordStatus(
            position=record.position,
            at_ms=arrival.at_ms,
            kind=arrival.kind.value,
            listener=arrival.listener,
            source=arrival.source,
            port=arrival.port,
            octets=arrival.data.hex(" ") if datagram else "",
            text="" if datagram else arrival.data.decode("utf-8", "replace"),
            fields=fields(arrival.data, self._tree) if datagram else [],
        )

    async def _extent(self) -> tuple[int, int]:
        """Records and last position. Raises StoreError."""
        status = await self._core.status()
        if status.records is None or status.last_position is None:
            raise StoreError(status.trouble)
        return status.records, status.last_position

    async def audit(self, after: int, limit: int) -> list[tuple[int, Audit]]:
        """Entries behind the one so numbered, with their numbers."""
        return await self._parts.audit_log.after(after, limit)

    def ready(self) -> bool:
        """True while datagrams are taken and can be stored."""
        return self._parts.working() and not self._core.write_error

    async def metrics(self) -> bytes:
        """Counters and gauges in the text format of Prometheus."""
        try:
            destinations = await self.destinations.statuses()
        except StoreError:
            destinations = []  # the others are wanted all the more
        listeners = [listener.status() for listener in self._parts.listeners()]
        self._parts.metrics.set_gauges(GaugeValues(self.ready(), self._core.conditions(), listeners, destinations))
        return self._parts.metrics.exposition()


def _kinds(site: Site) -> dict[str, str]:
    """The sinks with a cursor, and their kinds."""
    return {name: sink.type for name, sink in site.sinks.items() if isinstance(sink, SinkConfig)}
