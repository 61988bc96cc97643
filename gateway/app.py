"""The running gateway: the only place that joins the stages, opens sockets and reads the loop's clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog

from ridethrough.gateway.api import Refusal, Reloaded
from ridethrough.gateway.build.devices import described, probe_of
from ridethrough.gateway.build.jetstream import jetstream_of
from ridethrough.gateway.commands import CommandService
from ridethrough.gateway.config.secrets import SecretError
from ridethrough.gateway.config.site import Site, UpsDevice
from ridethrough.gateway.decode.fields import fields
from ridethrough.gateway.deliver.sinks import SinkConfig, SseConfig
from ridethrough.gateway.deliver.sinks.sse import Streams
from ridethrough.gateway.destinations import DestinationService
from ridethrough.gateway.devices.bmc_commands import RECOVERY_COMMANDS
from ridethrough.gateway.devices.heartbeat import Heartbeat
from ridethrough.gateway.devices.ups_poll import UpsPoller
from ridethrough.gateway.metrics import Look, Metrics
from ridethrough.gateway.pipeline.cluster import ClusterCore
from ridethrough.gateway.pipeline.core import GatewayCallbacks, PipelineCore
from ridethrough.gateway.pipeline.reload import HOT_KEYS, needs_restart
from ridethrough.gateway.pipeline.standalone import StandaloneCore
from ridethrough.gateway.receive import Listener, ListenError, watch
from ridethrough.gateway.records import (
    Arrival,
    Audit,
    Command,
    Event,
    JournalStatus,
    Observation,
    RecordKind,
    Recovery,
    encode_json,
)
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.audit import AuditLog
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.translate import EventType
from ridethrough.gateway.translate.readings import POLLED, SHOWN
from ridethrough.mibs import MibTree
from ridethrough.wire.snmp import Version

log = structlog.get_logger("gateway")


class Gateway:
    """One site. Implements `ridethrough.gateway.api.Backend`."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        store: Database,
        unix_ms: Callable[[], int],
        reread: Callable[[], Site] | None = None,
    ) -> None:
        """`unix_ms` is the wall clock of the events; `reread` reads the site again, or raises Refusal.

        Nothing is bound yet.
        """
        self._reread = reread
        self.site = site
        self._store = store
        self._unix_ms = unix_ms
        self.audit_log = AuditLog(store)
        self._metrics = Metrics(self._waiting)
        around = GatewayCallbacks(self._answer, self._told, self._full, self._observe, self._watch)
        client = jetstream_of(site)
        self._core: PipelineCore = (
            StandaloneCore(site, tree, store, unix_ms, self._metrics, around)
            if client is None
            else ClusterCore(site, tree, client, unix_ms, self._metrics, around)
        )
        self._events = self._core.events
        self._listeners: dict[str, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []
        sse = next((sink for sink in site.sinks.values() if isinstance(sink, SseConfig)), None)
        self._streams = Streams(self._events, sse.max_clients if sse else SseConfig(type="sse").max_clients)
        self.destinations = DestinationService(
            _kinds(site), site.forwards, self._core.parts, self._events, self._extent, self._streams
        )
        self._tree = tree
        self._poller = UpsPoller(tree, POLLED, SHOWN, self._observe)
        self._heartbeat = Heartbeat(self._observe)
        self._commands = CommandService(site, tree, store, unix_ms, self._command_done, self._is_heard)
        self._working = False
        self._watching = False
        self._watched: list[str] = []

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind, take up what an earlier run left, hear. Raises ListenError and StoreError with nothing left open."""
        try:
            for listen in self.site.listen:
                listener = Listener(
                    listen.address, listen.port, self.site.access.sources, self._unix_ms, self._core.accept
                )
                self._listeners[listener.name] = listener
            await self._core.start()
        except (ListenError, StoreError):
            self._close_listeners()
            self._store.close()
            raise
        overruns = watch(self._listeners.values(), self._overrun)
        self._tasks = [asyncio.create_task(overruns, name="overruns")]
        await self._commands.resume_open()
        self._working = True

    def watch_devices(self) -> None:
        """Begin to poll the cards and to ping the BMCs, now that everybody may ask what becomes of it."""
        for name, device in self.site.devices.items():
            if isinstance(device, UpsDevice):
                version = Version.V1 if device.snmp.version == 1 else Version.V2C
                card = (device.address, device.snmp.port, version, device.snmp.community)
                self._poller.add(name, *card, device.poll_s, device.silence_s)
            else:
                beat = device.heartbeat
                self._heartbeat.add(
                    name, device.address, device.port, beat.interval_s, beat.timeout_s, probe_of(device, os.urandom)
                )
        self._watching = True
        self._poller.watch(self._watched)
        self._heartbeat.watch(self._watched)
        log.info("gateway ready", listeners=list(self._listeners), devices=len(self.site.devices))

    async def _watch(self, devices: Iterable[str]) -> None:
        self._watched = list(devices)
        if self._watching:
            self._poller.watch(self._watched)
            self._heartbeat.watch(self._watched)

    async def stop(self) -> None:
        """Stop hearing, finish what was heard, close."""
        self._working = False
        self._poller.stop()
        self._heartbeat.stop()
        self._close_listeners()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._core.stop()
        await self._commands.close()
        self._store.close()

    def _close_listeners(self) -> None:
        for listener in self._listeners.values():
            listener.close()

    # --- hearing ----------------------------------------------------------------------------------------------

    def _answer(self, arrival: Arrival, answer: bytes) -> None:
        listener = self._listeners.get(arrival.listener)
        if listener is not None:
            listener.send(answer, (arrival.source, arrival.port))

    def _waiting(self) -> int:
        return self._core.waiting

    def _full(self, full: bool) -> None:
        for listener in self._listeners.values():
            if full:
                listener.pause()
            elif self._working:
                listener.resume()

    def _is_heard(self, device: str, since_s: float) -> bool:
        return self._heartbeat.has_answered(device, since_s)

    def _told(self) -> None:
        self._streams.notify()

    def _overrun(self, listener: str, lost: int) -> None:
        self._observe(Observation(listener, lost=lost))

    def _observe(self, observation: Observation) -> None:
        self._core.accept([Arrival(self._unix_ms(), RecordKind.OBSERVATION, encode_json(observation))])

    def _command_done(self, command: Command, details: Mapping[str, Any]) -> None:
        """A recovery's step that a BMC took is an observation like any other: journaled first, then told."""
        if command.command in RECOVERY_COMMANDS:
            step = msgspec.convert({**details, "started": command.command == RECOVERY_COMMANDS[0]}, Recovery)
            self._observe(Observation(command.device, recovery=step))

    # --- Backend ----------------------------------------------------------------------------------------------

    def devices(self) -> list[dict[str, Any]]:
        return [self.device(name) for name in self.site.devices]

    def device(self, name: str) -> dict[str, Any]:
        config = self.site.devices.get(name)
        if config is None:
            raise Refusal(404, f"there is no device {name!r}; known: {', '.join(self.site.devices) or 'none'}")
        heard = (self._poller if isinstance(config, UpsDevice) else self._heartbeat).last_heard_s(name)
        now = asyncio.get_running_loop().time()
        return described(name, config) | {
            "heard_s_ago": None if heard is None else round(now - heard, 3),
            "readings": self._poller.readings(name),
            "conditions": sorted(self._core.conditions().get(name, {})),
            "commands": list(self._commands.names(name)),
        }

    async def submit(
        self, device: str, command: str, params: dict[str, Any], key: str, deadline_s: float, by: str
    ) -> tuple[Command, bool]:
        self.device(device)
        return await self._commands.submit(device, command, params, key, deadline_s, by)

    async def commands_of(self, device: str, after: str, limit: int) -> list[Command]:
        self.device(device)
        return await self._commands.of(device, after, limit)

    async def command(self, command_id: str) -> Command:
        return await self._commands.get(command_id)

    async def events(self, after: str, limit: int) -> list[Event]:
        return await self._page(await self._seq(after), limit)

    async def last_events(self, count: int) -> list[Event]:
        return await self._page(max(0, await self._events.last_seq() - count), count)

    async def _page(self, seq: int, limit: int) -> list[Event]:
        view = self._events.view()
        try:
            return [queued.event for queued in await view.after(seq, limit)]
        finally:
            await view.close()

    async def follow(self, after: str | None) -> AsyncIterator[Event]:
        seq = await self._events.last_seq() if after is None else await self._seq(after)
        async for queued in self._streams.follow(seq):
            yield queued.event

    async def _seq(self, after: str) -> int:
        seq = await self._events.seq_of(after) if after else 0
        if seq is None:
            raise Refusal(404, f"there is no event {after!r}")
        return seq

    async def reload(self) -> Reloaded:
        if self._reread is None:
            raise Refusal(409, "this gateway has no file to read again")
        site = self._reread()
        later = needs_restart(self.site, site)
        # What waits for a restart stays as it is, so that the next reading compares with what runs.
        taken = {key: getattr(site, key) for key in HOT_KEYS}
        access = site.access.model_copy(update={"sources": self.site.access.sources})
        site = self.site.model_copy(update=taken | {"access": access})
        try:
            await self._core.reload(site)
        except SecretError as error:
            raise Refusal(422, str(error)) from error
        self.site = site
        self.destinations.serve(_kinds(site), site.forwards)
        log.info("site read again", rules=len(site.rules), need_restart=later)
        return Reloaded(len(site.rules), later)

    def conditions(self) -> list[dict[str, Any]]:
        return [
            {"device": device, "condition": condition, **msgspec.to_builtins(opened)}
            for device, conditions in self._core.conditions().items()
            for condition, opened in conditions.items()
        ]

    async def journal(self) -> JournalStatus:
        listeners = [listener.row() for listener in self._listeners.values()]
        return msgspec.structs.replace(await self._core.status(), listeners=listeners)

    async def record(self, position: int, partition: int) -> dict[str, Any]:
        record = await self._core.record(position, partition)
        if record is None:
            raise Refusal(404, f"there is no record {position}; it may be older than the journal keeps")
        arrival = record.arrival
        datagram = arrival.kind is RecordKind.DATAGRAM
        return {
            "position": record.position,
            "at_ms": arrival.at_ms,
            "kind": arrival.kind.value,
            "listener": arrival.listener,
            "source": arrival.source,
            "port": arrival.port,
            "octets": arrival.data.hex(" ") if datagram else "",
            "text": "" if datagram else arrival.data.decode("utf-8", "replace"),
            "fields": [field._asdict() for field in fields(arrival.data, self._tree)] if datagram else [],
        }

    async def _extent(self) -> tuple[int, int]:
        """Records and last position. Raises StoreError."""
        status = await self._core.status()
        if status.records is None or status.last_position is None:
            raise StoreError(status.trouble)
        return status.records, status.last_position

    async def audit(self, after: int, limit: int) -> list[tuple[int, Audit]]:
        return await self.audit_log.after(after, limit)

    def event_types(self) -> Iterable[str]:
        return [item.value for item in EventType]

    def ready(self) -> bool:
        return self._working and not self._core.trouble

    def streams_full(self) -> bool:
        return self._streams.full

    async def metrics(self) -> bytes:
        try:
            destinations = await self.destinations.statuses()
        except StoreError:
            destinations = []  # the others are wanted all the more
        listeners = [listener.row() for listener in self._listeners.values()]
        self._metrics.look(Look(self.ready(), self._core.conditions(), listeners, destinations))
        return self._metrics.text()


def _kinds(site: Site) -> dict[str, str]:
    """The sinks with a cursor, and their kinds."""
    return {name: sink.type for name, sink in site.sinks.items() if isinstance(sink, SinkConfig)}
