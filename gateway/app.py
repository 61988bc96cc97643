"""The running gateway: the only place that joins the stages, opens sockets and reads the loop's clock."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog

from gateway.api import Refusal, Reloaded
from gateway.assembly import (
    described,
    forwards_of,
    probe_of,
    retention_of,
    rules_of,
    sinks_of,
)
from gateway.audit import AuditLog
from gateway.commander import Commands
from gateway.config import Site, UpsDevice
from gateway.config_sinks import SseSink
from gateway.deliver import Dispatcher, Outbox
from gateway.deliver.forward import Forwarder
from gateway.deliver.relay import Trust
from gateway.deliver.sinks.sse import Streams
from gateway.destinations import Destinations
from gateway.devices.bmc_commands import RECOVERY_COMMANDS
from gateway.devices.heartbeat import Heartbeat
from gateway.devices.ups_poll import UpsPoller
from gateway.journal import Journal
from gateway.metrics import Metrics
from gateway.pipeline import Hooks, Pipeline
from gateway.receive import Listener, ListenError, watch
from gateway.records import (
    Arrival,
    Audit,
    Command,
    Damage,
    EngineIdentity,
    Event,
    Observation,
    RecordKind,
    Recovery,
    encode_json,
)
from gateway.salvage import Salvage
from gateway.store import Store, StoreError
from gateway.thinking import Thinking
from gateway.translate import EventType
from gateway.translate.readings import POLLED
from mibs import MibTree
from wire.snmp import Version

log = structlog.get_logger("gateway")

# Of engine identifiers of our own making (RFC 3411 section 5), under the number for examples (RFC 5612).
GIVEN = ("api", "journal")  # which the command line may have changed
ENGINE_PREFIX = bytes.fromhex("80007ed905")


class Gateway:
    """One site. Implements `gateway.api.Backend`."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        store: Store,
        unix_ms: Callable[[], int],
        reread: Callable[[], Site] | None = None,
    ) -> None:
        """`unix_ms` is the wall clock of the events; `reread` reads the site again, or raises Refusal.

        Nothing is bound yet.
        """
        self._reread = reread
        self.site = site
        self._tree = tree
        self._store = store
        self._unix_ms = unix_ms
        self._journal = Journal(store)
        self._outbox = Outbox(store)
        self.audit_log = AuditLog(store)
        self._metrics = Metrics(self._waiting)
        self._thinking = Thinking(site, tree)
        hooks = Hooks(self._answer, self._journaled, self._told, self._heal, self._full)
        self._pipeline: Pipeline = Pipeline(self._thinking, self._journal, self._outbox, unix_ms, self._metrics, hooks)
        self._listeners: dict[str, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []
        sse = next((sink for sink in site.sinks.values() if isinstance(sink, SseSink)), None)
        self._streams = Streams(self._outbox, sse.max_clients if sse else SseSink(type="sse").max_clients)
        self._dispatcher = Dispatcher(self._outbox, sinks_of(site, lambda: unix_ms() // 1000), random.random, unix_ms)
        trust = Trust(self._thinking.communities, self._thinking.read)
        self._forwarder: Forwarder = Forwarder(
            self._outbox,
            self._journal.after,
            forwards_of(site, lambda: unix_ms() / 1000),
            trust,
            random.random,
        )
        self.destinations = Destinations(self._outbox, self._journal, self._dispatcher, self._forwarder, self._streams)
        self._poller = UpsPoller(tree, POLLED, self._observe)
        self._heartbeat = Heartbeat(self._observe)
        self._commands = Commands(site, tree, store, unix_ms, self._command_done, self._is_heard)
        self._working = False
        self._retention = retention_of(site, store)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind, take up what an earlier run left, hear. Raises ListenError with nothing left open."""
        try:
            for listen in self.site.listen:
                listener = Listener(
                    listen.address, listen.port, self.site.access.sources, self._unix_ms, self._pipeline.hear
                )
                self._listeners[listener.name] = listener
        except ListenError:
            self._close_listeners()
            raise
        fresh = EngineIdentity(ENGINE_PREFIX + os.urandom(8), 1, self._unix_ms() // 1000, random.getrandbits(32))
        identity = await self._outbox.identity(fresh)
        await self._pipeline.start(identity)
        self._tell_salvage(self._store.salvaged)
        self._tasks = [
            asyncio.create_task(watch(self._listeners.values(), self._overrun), name="overruns"),
            asyncio.create_task(self._retention.run(self._unix_ms), name="retention"),
        ]
        self._dispatcher.start()
        await self._forwarder.start((await self._journal.extent())[1], identity)
        await self._commands.take_up()
        self._working = True
        log.info("gateway ready", listeners=list(self._listeners), devices=len(self.site.devices))

    def watch_devices(self) -> None:
        """Begin to poll the cards and to ping the BMCs."""
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
        self._poller.start()
        self._heartbeat.start()

    async def stop(self) -> None:
        """Stop hearing, finish what was heard, close."""
        self._working = False
        self._poller.stop()
        self._heartbeat.stop()
        self._close_listeners()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pipeline.stop()
        await self._dispatcher.stop()
        await self._forwarder.stop()
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
        return self._pipeline.waiting

    def _full(self, full: bool) -> None:
        for listener in self._listeners.values():
            if full:
                listener.pause()
            elif self._working:
                listener.resume()

    def _is_heard(self, device: str, since_s: float) -> bool:
        return self._heartbeat.has_answered(device, since_s)

    def _journaled(self) -> None:
        self._forwarder.notify()

    async def _heal(self) -> None:
        self._tell_salvage(await self._store.heal())

    def _tell_salvage(self, salvage: Salvage | None) -> None:
        """What could not be saved of a damaged journal is told like any other loss."""
        if salvage is not None:
            log.error("the journal was damaged", **salvage._asdict())
            self._observe(Observation("journal", damage=Damage(*salvage)))

    def _told(self) -> None:
        self._streams.notify()
        self._dispatcher.notify()

    def _overrun(self, listener: str, lost: int) -> None:
        self._observe(Observation(listener, lost=lost))

    def _observe(self, observation: Observation) -> None:
        self._pipeline.hear([Arrival(self._unix_ms(), RecordKind.OBSERVATION, encode_json(observation))])

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
            "conditions": sorted(self._thinking.state.open.get(name, {})),
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
        return [queued.event for queued in await self._outbox.after(await self._seq(after), limit)]

    async def last_events(self, count: int) -> list[Event]:
        seq = max(0, await self._outbox.last_seq() - count)
        return [queued.event for queued in await self._outbox.after(seq, count)]

    async def follow(self, after: str | None) -> AsyncIterator[Event]:
        seq = await self._outbox.last_seq() if after is None else await self._seq(after)
        async for queued in self._streams.follow(seq):
            yield queued.event

    async def _seq(self, after: str) -> int:
        seq = await self._outbox.seq_of(after) if after else 0
        if seq is None:
            raise Refusal(404, f"there is no event {after!r}")
        return seq

    def reload_rules(self) -> Reloaded:
        if self._reread is None:
            raise Refusal(409, "this gateway has no file to read again")
        site = self._reread()
        rules = rules_of(site)
        self._thinking.use_rules(rules)
        old, new = self.site.model_dump(), site.model_dump()
        waiting = sorted(key for key in new if key not in ("rules", *GIVEN) and new[key] != old[key])
        log.info("rules read again", rules=len(rules), need_restart=waiting)
        return Reloaded(len(rules), waiting)

    def conditions(self) -> list[dict[str, Any]]:
        return [
            {"device": device, "condition": condition, **msgspec.to_builtins(opened)}
            for device, conditions in self._thinking.state.open.items()
            for condition, opened in conditions.items()
        ]

    async def journal(self) -> dict[str, Any]:
        row = {
            "place": self._store.place,
            "durable": self._store.durable,
            "trouble": self._pipeline.trouble,
            "waiting": self._pipeline.waiting,
            "kept_for_destinations": self._retention.waiting,
            "listeners": [listener.row() for listener in self._listeners.values()],
        }
        try:
            row["records"], row["last_position"] = await self._journal.extent()
            row["events"] = await self._outbox.last_seq()
        except StoreError as error:  # what cannot be read is not known, and the rest is wanted all the more
            row["trouble"] = row["trouble"] or str(error)
            row |= {"records": None, "last_position": None, "events": None}
        return row

    async def audit(self, after: int, limit: int) -> list[tuple[int, Audit]]:
        return await self.audit_log.after(after, limit)

    def event_types(self) -> Iterable[str]:
        return [item.value for item in EventType]

    def ready(self) -> bool:
        return self._working and not self._pipeline.trouble

    def streams_full(self) -> bool:
        return self._streams.full

    def metrics(self) -> bytes:
        return self._metrics.text()
