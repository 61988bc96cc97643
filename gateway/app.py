"""The running gateway: the only place that joins the stages, opens sockets and reads the loop's clock."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import structlog

from gateway.api import Refusal
from gateway.assembly import (
    bmc_policies_of,
    described,
    devices_of,
    forwards_of,
    probe_of,
    retention_of,
    rules_of,
    sinks_of,
    ups_policies_of,
    users_of,
)
from gateway.commander import Commands
from gateway.config import Site, SseSink, UpsDevice
from gateway.correlate import Correlator, State
from gateway.decode import UsmReceiver, decode_datagram, decode_observation
from gateway.decode.usm import MOST_ENGINES
from gateway.deliver import Dispatcher, Outbox
from gateway.deliver.forward import Forwarder
from gateway.deliver.relay import Trust
from gateway.deliver.sinks.sse import Streams
from gateway.devices.bmc_commands import RECOVERY_COMMANDS
from gateway.devices.heartbeat import Heartbeat
from gateway.devices.ups_poll import UpsPoller
from gateway.journal import Journal
from gateway.metrics import Metrics
from gateway.receive import Listener, ListenError, watch
from gateway.records import (
    Arrival,
    Command,
    EngineIdentity,
    Event,
    Observation,
    Record,
    RecordKind,
    Recovery,
    encode_json,
)
from gateway.store import Store, StoreError
from gateway.translate import Inventory, Translator
from gateway.translate.readings import POLLED
from mibs import MibTree
from wire.snmp import Pdu, Version

log = structlog.get_logger("gateway")

HIGH_WATER = 100_000  # arrivals waiting for the journal; above it the kernel's buffers hold what comes
# Of engine identifiers of our own making (RFC 3411 section 5), under the number for examples (RFC 5612).
ENGINE_PREFIX = bytes.fromhex("80007ed905")
RECOVERY_S = 1.0
SLICE = 512  # records worked off between looks at the rest of the loop


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
        self._source = f"/standin/{site.name}"
        self._communities = frozenset(text.encode() for text in site.access.communities)
        self._users = users_of(site)
        self._usm: UsmReceiver | None = None
        self._translator = Translator(Inventory(devices_of(site)), rules_of(site))
        self._policies, self._bmc_policies = ups_policies_of(site), bmc_policies_of(site)
        self._correlator = Correlator(self._policies, self._source, bmcs=self._bmc_policies)
        self._arrivals: list[Arrival] = []
        self._arrived = asyncio.Event()
        self._tick_timer: asyncio.TimerHandle | None = None
        self._tick_for: int | None = None
        self._listeners: dict[str, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []
        sse = next((sink for sink in site.sinks.values() if isinstance(sink, SseSink)), None)
        self._streams = Streams(self._outbox, sse.max_clients if sse else SseSink(type="sse").max_clients)
        self._dispatcher = Dispatcher(self._outbox, sinks_of(site, lambda: unix_ms() // 1000), random.random)
        self._forwarder = Forwarder(
            self._outbox, self._journal.after, forwards_of(site), Trust(self._communities, self._read), random.random
        )
        self._poller = UpsPoller(tree, POLLED, self._observe)
        self._heartbeat = Heartbeat(self._observe)
        self._commands = Commands(site, tree, store, unix_ms, self._command_done)
        self._working = False
        self._retention = retention_of(site, store)
        self._trouble = ""  # why nothing can be written, while that is so
        self._metrics = Metrics(lambda: len(self._arrivals))

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind, take up what an earlier run left, hear. Raises ListenError with nothing left open."""
        try:
            for listen in self.site.listen:
                listener = Listener(listen.address, listen.port, self.site.access.sources, self._unix_ms, self._heard)
                self._listeners[listener.name] = listener
        except ListenError:
            self._close_listeners()
            raise
        await self._commands.expire_left_over()
        if self._users:
            await self._know_engines()
        await self._resume()
        self._tasks = [
            asyncio.create_task(self._work(), name="pipeline"),
            asyncio.create_task(watch(self._listeners.values(), self._overrun), name="overruns"),
            asyncio.create_task(self._retention.run(self._unix_ms), name="retention"),
        ]
        self._dispatcher.start()
        await self._forwarder.start((await self._journal.extent())[1])
        self._arm_tick()
        self._working = True
        log.info("gateway ready", listeners=list(self._listeners), devices=len(self.site.devices))

    async def _know_engines(self) -> None:
        fresh = EngineIdentity(ENGINE_PREFIX + os.urandom(8), 1, self._unix_ms() // 1000, random.getrandbits(32))
        identity = await self._outbox.identity(fresh)
        self._usm = UsmReceiver(self._users, identity, await self._outbox.clocks(MOST_ENGINES))

    def _read(self, data: bytes) -> Pdu | None:
        return None if self._usm is None else self._usm.read(data)

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
        if self._tick_timer:
            self._tick_timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._arrivals:
            await self._work_off(self._take())
        await self._dispatcher.stop()
        await self._forwarder.stop()
        await self._commands.close()
        self._store.close()

    def _close_listeners(self) -> None:
        for listener in self._listeners.values():
            listener.close()

    # --- hearing ----------------------------------------------------------------------------------------------

    def _heard(self, arrivals: list[Arrival]) -> None:
        self._arrivals.extend(arrivals)
        self._arrived.set()
        if len(self._arrivals) > HIGH_WATER:
            for listener in self._listeners.values():
                listener.pause()

    def _overrun(self, listener: str, lost: int) -> None:
        self._observe(Observation(listener, lost=lost))

    def _observe(self, observation: Observation) -> None:
        self._heard([Arrival(self._unix_ms(), RecordKind.OBSERVATION, encode_json(observation))])

    def _command_done(self, command: Command, details: Mapping[str, Any]) -> None:
        """A recovery's step that a BMC took is an observation like any other: journaled first, then told."""
        if command.command in RECOVERY_COMMANDS:
            step = msgspec.convert({**details, "started": command.command == RECOVERY_COMMANDS[0]}, Recovery)
            self._observe(Observation(command.device, recovery=step))

    def _take(self) -> list[Arrival]:
        arrivals, self._arrivals = self._arrivals, []
        self._arrived.clear()
        return arrivals

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            arrivals = self._take()
            if self._working:
                for listener in self._listeners.values():
                    listener.resume()
            try:
                await self._work_off(arrivals)
            except StoreError as error:
                await self._recover(arrivals, error)

    async def _work_off(self, arrivals: list[Arrival]) -> None:
        """Journal first: nothing below the first line sees what is not on disk. Raises StoreError."""
        records = await self._journal.append(arrivals)
        arrivals.clear()
        self._forwarder.notify()
        for start in range(0, len(records), SLICE):
            await self._process(records[start : start + SLICE], acknowledge=True)

    async def _recover(self, arrivals: list[Arrival], error: StoreError) -> None:
        """After a write that failed: nothing was acknowledged; go on from what is on disk, once it can be read."""
        log.error("cannot write; informs wait", reason=str(error))
        self._trouble = str(error)
        self._arrivals[:0] = arrivals
        while self._trouble:
            await asyncio.sleep(RECOVERY_S)
            try:
                await self._resume()
                self._trouble = ""
            except StoreError as again:
                self._trouble = str(again)
        log.info("writing again")
        if self._arrivals:
            self._arrived.set()

    async def _resume(self) -> None:
        """Take up the correlator's memory and the journal's remainder from disk. Raises StoreError."""
        processed, memory = await self._outbox.resume()
        state = msgspec.json.decode(memory, type=State) if memory else None
        self._correlator = Correlator(self._policies, self._source, state, self._bmc_policies)
        await self._catch_up(processed)

    async def _catch_up(self, processed: int) -> None:
        """Work off what an earlier run journaled and did not finish."""
        while records := await self._journal.after(processed, SLICE):
            await self._process(records, acknowledge=False)
            processed = records[-1].position

    async def _process(self, records: list[Record], *, acknowledge: bool) -> None:
        events: list[Event] = []
        answers: list[tuple[Arrival, bytes]] = []
        for record in records:
            try:
                events += self._conclude(record, answers)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.failed()
        clocks = self._usm.moved_clocks() if self._usm else []
        await self._outbox.add(events, records[-1].position, encode_json(self._correlator.state), clocks)
        if acknowledge:
            for arrival, answer in answers:
                self._listeners[arrival.listener].send(answer, (arrival.source, arrival.port))
        self._metrics.told(events)
        self._arm_tick()
        if events:
            self._streams.notify()
            self._dispatcher.notify()

    def _conclude(self, record: Record, answers: list[tuple[Arrival, bytes]]) -> list[Event]:
        """The events that follow from a record; an inform's acknowledgement goes to `answers`."""
        arrival = record.arrival
        if arrival.kind is RecordKind.TICK:
            return self._correlator.tick(record.position, arrival.at_ms)
        if arrival.kind is RecordKind.OBSERVATION:
            signals = self._translator.observation(decode_observation(arrival.data))
        else:
            decoded = decode_datagram(arrival, self._tree, self._communities, self._usm)
            self._metrics.decoded(decoded.value)
            signals = self._translator.datagram(decoded.value)
            if decoded.acknowledgement is not None:
                answers.append((arrival, decoded.acknowledgement))
        return self._correlator.signals(record.position, arrival.at_ms, signals)

    # --- deadlines --------------------------------------------------------------------------------------------

    def _arm_tick(self) -> None:
        deadline = self._correlator.next_deadline_ms()
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
        self._heard([Arrival(max(deadline, self._unix_ms()), RecordKind.TICK, b"")])

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
            "conditions": sorted(self._correlator.state.open.get(name, {})),
            "commands": list(self._commands.names(name)),
        }

    async def submit(self, device: str, command: str, params: dict[str, Any], key: str) -> tuple[Command, bool]:
        self.device(device)
        return await self._commands.submit(device, command, params, key)

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

    def reload_rules(self) -> int:
        if self._reread is None:
            raise Refusal(409, "this gateway has no file to read again")
        rules = rules_of(self._reread())
        self._translator = Translator(Inventory(devices_of(self.site)), rules)
        log.info("rules read again", rules=len(rules))
        return len(rules)

    def conditions(self) -> list[dict[str, Any]]:
        return [
            {"device": device, "condition": condition, **msgspec.to_builtins(opened)}
            for device, conditions in self._correlator.state.open.items()
            for condition, opened in conditions.items()
        ]

    async def destinations(self) -> list[dict[str, Any]]:
        last = await self._outbox.last_seq()
        rows: list[dict[str, Any]] = [{"name": "stream", "type": "sse", "clients": self._streams.clients}]
        rows += await self._dispatcher.rows(last, {name: sink.type for name, sink in self.site.sinks.items()})
        rows += await self._forwarder.rows((await self._journal.extent())[1])
        return rows

    async def journal(self) -> dict[str, Any]:
        records, last = await self._journal.extent()
        return {
            "place": self._store.place,
            "durable": self._store.durable,
            "trouble": self._trouble,
            "kept_for_destinations": self._retention.waiting,
            "records": records,
            "last_position": last,
            "events": await self._outbox.last_seq(),
            "listeners": [listener.row() for listener in self._listeners.values()],
        }

    def ready(self) -> bool:
        return self._working and not self._trouble

    def streams_full(self) -> bool:
        return self._streams.full

    def metrics(self) -> bytes:
        return self._metrics.text()
