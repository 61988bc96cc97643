"""From what arrives to events on disk: journal, decode, translate, correlate, outbox, in this order."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
import structlog

from gateway.assembly import bmc_policies_of, devices_of, rules_of, site_policy_of, ups_policies_of, users_of
from gateway.config import Site
from gateway.correlate import Correlator, State
from gateway.decode import UsmReceiver, decode_datagram, decode_observation
from gateway.decode.snmp import wants_answer
from gateway.decode.usm import MOST_ENGINES
from gateway.deliver import Outbox
from gateway.journal import Journal
from gateway.metrics import Metrics
from gateway.receive import FairQueue
from gateway.records import Arrival, EngineIdentity, Event, Record, RecordKind, encode_json
from gateway.store import StoreError
from gateway.translate import Inventory, Translator, UserRule
from mibs import MibTree
from wire.snmp import Pdu

log = structlog.get_logger("gateway")

HIGH_WATER = 100_000  # arrivals waiting for the journal; above it the kernel's buffers hold what comes
GROUP = 2048  # arrivals of one commit; sources share them
SLICE = 512  # records worked off between looks at the rest of the loop
RECOVERY_S = 1.0
# Of engine identifiers of our own making (RFC 3411 section 5), under the number for examples (RFC 5612).
ENGINE_PREFIX = bytes.fromhex("80007ed905")


class Hooks(NamedTuple):
    """What the pipeline asks of its surroundings."""

    answer: Callable[[Arrival, bytes], None]  # acknowledge an inform, which is on disk now
    journaled: Callable[[], None]  # the journal has grown
    told: Callable[[], None]  # the outbox has grown
    full: Callable[[bool], None]  # whether listeners should leave datagrams in the kernel's buffers


class Pipeline:
    """The thinking stages of one site, and their memory."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        journal: Journal,
        outbox: Outbox,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        hooks: Hooks,
    ) -> None:
        self._site = site
        self._tree = tree
        self._journal = journal
        self._outbox = outbox
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._hooks = hooks
        self._source = f"/standin/{site.name}"
        self.communities = frozenset(text.encode() for text in site.access.communities)
        self._users = users_of(site)
        self._usm: UsmReceiver | None = None
        self._translator = Translator(Inventory(devices_of(site)), rules_of(site))
        self.correlator = self._new_correlator(None)
        self._arrivals = FairQueue()
        self._arrived = asyncio.Event()
        self._full = False
        self._tick_timer: asyncio.TimerHandle | None = None
        self._tick_for: int | None = None
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""  # why nothing can be written, while that is so

    @property
    def waiting(self) -> int:
        """Arrivals that are not in the journal yet."""
        return len(self._arrivals)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, and go on. Raises StoreError."""
        if self._users:
            fresh = EngineIdentity(ENGINE_PREFIX + os.urandom(8), 1, self._unix_ms() // 1000, random.getrandbits(32))
            identity = await self._outbox.identity(fresh)
            self._usm = UsmReceiver(self._users, identity, await self._outbox.clocks(MOST_ENGINES))
        await self._resume()
        self._task = asyncio.create_task(self._work(), name="pipeline")
        self._arm_tick()

    async def stop(self) -> None:
        """Work off what was heard."""
        if self._tick_timer:
            self._tick_timer.cancel()
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            while self._arrivals:
                await self._work_off(self._arrivals.take(GROUP))
        except StoreError as error:
            log.error("cannot write at the end", reason=str(error), lost=len(self._arrivals))  # noqa: TRY400

    def use_rules(self, rules: list[UserRule]) -> None:
        """From the next record on."""
        self._translator = Translator(Inventory(devices_of(self._site)), rules)

    def read(self, data: bytes) -> Pdu | None:
        """The notification in a message of version 3 of a known user."""
        return None if self._usm is None else self._usm.read(data)

    # --- hearing ----------------------------------------------------------------------------------------------

    def hear(self, arrivals: Iterable[Arrival]) -> None:
        """Take what arrived."""
        self._arrivals.extend(arrivals)
        self._arrived.set()
        if not self._full and len(self._arrivals) > HIGH_WATER:
            self._full = True
            self._hooks.full(True)

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            arrivals = self._arrivals.take(GROUP)
            if not self._arrivals:
                self._arrived.clear()
            if self._full and len(self._arrivals) < HIGH_WATER // 2:
                self._full = False
                self._hooks.full(False)
            try:
                await self._work_off(arrivals)
            except StoreError as error:
                await self._recover(arrivals, error)

    async def _work_off(self, arrivals: list[Arrival]) -> None:
        """Journal first: nothing below the first line sees what is not on disk. Raises StoreError."""
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
        while self.trouble:
            await asyncio.sleep(RECOVERY_S)
            try:
                await self._resume()
                self.trouble = ""
            except StoreError as again:
                self.trouble = str(again)
        log.info("writing again")
        if self._arrivals:
            self._arrived.set()

    # --- working off ------------------------------------------------------------------------------------------

    def _new_correlator(self, state: State | None) -> Correlator:
        site = self._site
        policies = (ups_policies_of(site), self._source, state, bmc_policies_of(site), site_policy_of(site))
        return Correlator(*policies)

    async def _resume(self) -> None:
        """Take up the correlator's memory and the journal's remainder from disk. Raises StoreError."""
        processed, memory = await self._outbox.resume()
        self.correlator = self._new_correlator(msgspec.json.decode(memory, type=State) if memory else None)
        while records := await self._journal.after(processed, SLICE):
            await self._process(records, acknowledge=False)
            processed = records[-1].position

    async def _process(self, records: list[Record], *, acknowledge: bool) -> None:
        events: list[Event] = []
        answers: list[tuple[Arrival, bytes]] = []
        for record in records:
            try:
                events += self.conclude(record, answers)
            except Exception:  # one record that trips a rule must not hold up those behind it; it stays in the journal
                log.exception("record could not be worked off", position=record.position)
                self._metrics.failed()
        clocks = self._usm.moved_clocks() if self._usm else []
        self.correlator.tidy(records[-1].arrival.at_ms)
        await self._outbox.add(events, records[-1].position, encode_json(self.correlator.state), clocks)
        if acknowledge:
            for arrival, answer in answers:
                self._hooks.answer(arrival, answer)
        self._metrics.told(events)
        self._arm_tick()
        if events:
            self._hooks.told()

    def conclude(self, record: Record, answers: list[tuple[Arrival, bytes]]) -> list[Event]:
        """The events that follow from a record; an inform's acknowledgement goes to `answers`."""
        arrival, position = record.arrival, record.position
        if arrival.kind is RecordKind.TICK:
            return self.correlator.tick(position, arrival.at_ms)
        if arrival.kind is RecordKind.OBSERVATION:
            signals = self._translator.observation(decode_observation(arrival.data))
            return self.correlator.signals(position, arrival.at_ms, signals)
        subject = self._translator.subject(arrival.source)
        storm = self.correlator.storm(position, arrival.at_ms, arrival.source, subject)
        if storm is not None:
            self._metrics.held()
            if not wants_answer(arrival.data):
                return storm
        decoded = decode_datagram(arrival, self._tree, self.communities, self._usm)
        if decoded.acknowledgement is not None:
            answers.append((arrival, decoded.acknowledgement))
        if storm is not None:
            return storm
        self._metrics.decoded(decoded.value)
        return self.correlator.signals(position, arrival.at_ms, self._translator.datagram(decoded.value))

    # --- deadlines --------------------------------------------------------------------------------------------

    def _arm_tick(self) -> None:
        deadline = self.correlator.next_deadline_ms()
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
