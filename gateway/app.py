"""The running gateway: builds its parts, joins them by callbacks, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog

from ridethrough.gateway.backend import GatewayBackend, Parts
from ridethrough.gateway.build.devices import probe_of
from ridethrough.gateway.build.jetstream import jetstream_of
from ridethrough.gateway.commands import CommandService
from ridethrough.gateway.config.site import Site, UpsDeviceConfig
from ridethrough.gateway.devices.bmc_commands import RECOVERY_COMMANDS
from ridethrough.gateway.devices.heartbeat import HeartbeatPoller
from ridethrough.gateway.devices.ups_poll import UpsPoller
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.net.addresses import check_local
from ridethrough.gateway.pipeline.cluster import ClusterCore
from ridethrough.gateway.pipeline.core import GatewayCallbacks, PipelineCore
from ridethrough.gateway.pipeline.standalone import StandaloneCore
from ridethrough.gateway.receive import Listener, ListenError, watch_overruns
from ridethrough.gateway.records import (
    Arrival,
    Command,
    DatagramsLost,
    Observation,
    RecordKind,
    Recovery,
    RecoveryStep,
    encode_json,
)
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.audit import AuditLog
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.translate.readings import POLLED, SHOWN
from ridethrough.mibs import MibTree
from ridethrough.wire.snmp import Version

log = structlog.get_logger("gateway")


class Gateway:
    """The gateway of one site; `backend` is what its HTTP interface stands on."""

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
        self._site = site
        self._store = store
        self._unix_ms = unix_ms
        metrics = Metrics(self._arrivals_waiting)
        callbacks = GatewayCallbacks(
            send_ack=self._send_ack,
            on_events=self._events_added,
            set_backpressure=self._set_backpressure,
            observe=self._observe,
            watch=self._watch,
        )
        client = jetstream_of(site)
        self._core: PipelineCore = (
            StandaloneCore(site, tree, store, unix_ms, metrics, callbacks)
            if client is None
            else ClusterCore(site, tree, client, unix_ms, metrics, callbacks)
        )
        self._listeners: dict[str, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._poller = UpsPoller(tree, POLLED, SHOWN, self._observe)
        self._heartbeat = HeartbeatPoller(self._observe)
        self._commands = CommandService(site, tree, store, unix_ms, self._command_done, self._heartbeat.has_answered)
        self._working = False
        self._watching = False
        self._watched: list[str] = []
        self.audit_log = AuditLog(store)
        parts = Parts(
            core=self._core,
            commands=self._commands,
            poller=self._poller,
            heartbeat=self._heartbeat,
            audit_log=self.audit_log,
            metrics=metrics,
            listeners=lambda: list(self._listeners.values()),
            working=lambda: self._working,
        )
        self.backend = GatewayBackend(site, tree, parts, reread)

    async def start(self) -> None:
        """Bind, load the state of an earlier run, receive. Raises ListenError and StoreError with nothing left open."""
        try:
            _check_sources(self._site)
            for listen in self._site.listen:
                listener = Listener(
                    listen.address, listen.port, self._site.access.sources, self._unix_ms, self._core.accept
                )
                self._listeners[listener.name] = listener
            await self._core.start()
        except (ListenError, StoreError):
            self._close_listeners()
            self._store.close()
            raise
        overruns = watch_overruns(self._listeners.values(), self._datagrams_lost)
        self._tasks = [asyncio.create_task(overruns, name="overruns")]
        await self._commands.resume_open()
        self._working = True

    def watch_devices(self) -> None:
        """Begin to poll the cards and to ping the BMCs. To be called once clients can see what comes of it."""
        for name, device in self._site.devices.items():
            if isinstance(device, UpsDeviceConfig):
                version = Version.V1 if device.snmp.version == 1 else Version.V2C
                card = (device.address, device.snmp.port, version, device.snmp.community)
                self._poller.add(name, *card, device.poll_s, device.silence_s, device.snmp.source)
            else:
                beat = device.heartbeat
                self._heartbeat.add(
                    name, device.address, device.port, beat.interval_s, beat.timeout_s, probe_of(device, os.urandom)
                )
        self._watching = True
        self._poller.watch(self._watched)
        self._heartbeat.watch(self._watched)
        log.info("gateway ready", listeners=list(self._listeners), devices=len(self._site.devices))

    async def stop(self) -> None:
        """Stop receiving, derive what follows from what was received, close."""
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

    # --- callbacks of the core --------------------------------------------------------------------------------

    def _send_ack(self, arrival: Arrival, ack: bytes) -> None:
        listener = self._listeners.get(arrival.listener)
        if listener is not None:
            listener.send(ack, (arrival.source, arrival.port))

    def _events_added(self) -> None:
        self.backend.events_added()

    def _set_backpressure(self, full: bool) -> None:
        for listener in self._listeners.values():
            if full:
                listener.pause()
            elif self._working:
                listener.resume()

    def _observe(self, observation: Observation) -> None:
        self._core.accept([Arrival(self._unix_ms(), RecordKind.OBSERVATION, encode_json(observation))])

    async def _watch(self, devices: Iterable[str]) -> None:
        self._watched = list(devices)
        if self._watching:
            self._poller.watch(self._watched)
            self._heartbeat.watch(self._watched)

    # --- callbacks of the other parts -------------------------------------------------------------------------

    def _arrivals_waiting(self) -> int:
        return self._core.waiting

    def _datagrams_lost(self, listener: str, lost: int) -> None:
        self._observe(DatagramsLost(listener, lost))

    def _command_done(self, command: Command, details: Mapping[str, Any]) -> None:
        """Observe a recovery's step that a BMC accepted: like every observation it is journaled first."""
        if command.command in RECOVERY_COMMANDS:
            step = msgspec.convert({**details, "started": command.command == RECOVERY_COMMANDS[0]}, Recovery)
            self._observe(RecoveryStep(command.device, step))


def _check_sources(site: Site) -> None:
    """Raise ListenError for an address that cards are to be asked from and that this machine does not have."""
    for name, device in site.devices.items():
        source = device.snmp.source if isinstance(device, UpsDeviceConfig) else None
        if source is None:
            continue
        try:
            check_local(source)
        except OSError as error:
            text = f"devices.{name}.snmp.source: nothing can be sent from {source}: {error.strerror}"
            raise ListenError(error.errno, text) from error
