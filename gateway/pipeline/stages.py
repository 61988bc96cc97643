"""Decode, translate, correlate: what follows from a record of the journal. Nothing here waits, and no clock is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

import msgspec

from ridethrough.gateway.assembly import (
    bmc_policies_of,
    devices_of,
    rules_of,
    site_policy_of,
    ups_policies_of,
    users_of,
)
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Correlator, State
from ridethrough.gateway.correlate.storms import BEGINS, PASSES
from ridethrough.gateway.decode import UsmReceiver, acknowledged, decode_datagram, decode_observation, timeless
from ridethrough.gateway.decode.snmp import Content, Decoded, is_version_1, wants_answer
from ridethrough.gateway.records import (
    Arrival,
    EngineClock,
    EngineIdentity,
    Event,
    Notification,
    Record,
    RecordKind,
    Refused,
    Signal,
    encode_json,
)
from ridethrough.gateway.translate import Inventory, Translator, at_time
from ridethrough.mibs import MibTree
from ridethrough.wire.snmp import Pdu

MOST_SOURCES: Final = 65536
MOST_PLANS: Final = 1024
LONG: Final = 1024  # where so many in a row had no plan,
SOME: Final = 8  # only one in so many is looked at
NOTIFICATION: Final = "notification"
DATAGRAM: Final = RecordKind.DATAGRAM


class Concluded:
    """What follows from a record: events, the acknowledgement of an inform, and what it was.

    `outcome` names what a datagram was; it is empty for a tick, an observation or a record of a storm.
    """

    def __init__(
        self,
        events: Sequence[Event],
        answer: bytes | None = None,
        outcome: str = "",
        *,
        held: bool = False,
    ) -> None:
        self.events = events
        self.answer = answer
        self.outcome = outcome
        self.held = held  # part of a storm


HELD: Final = Concluded((), held=True)


class Plan:
    """What was made of a notification, for the next that differs in its time only."""

    def __init__(self, signals: list[Signal], *, inform: bool) -> None:
        self.signals = signals
        self.inform = inform


class Thinking:
    """The stages of one site, and their memory. The same records give the same events."""

    def __init__(self, site: Site, tree: MibTree) -> None:
        """Raises SecretError."""
        self._site = site
        self._tree = tree
        self.communities = frozenset(text.encode() for text in site.access.communities)
        self._relays = site.access.trusted_relays
        self._known_relays: dict[str, bool] = {}
        self._plans: dict[tuple[str, str, bytes], Plan] = {}
        self._once: set[int] = set()  # what could be one of these, by its hash
        self._apart = 0  # so many in a row were none of these
        self._users = users_of(site)
        self._usm: UsmReceiver | None = None
        self._identity: EngineIdentity | None = None  # of the gateway's own engine
        self._translator = Translator(Inventory(devices_of(site)), rules_of(site))
        self._correlator = self._new_correlator(None)

    def introduce(self, identity: EngineIdentity, clocks: Iterable[EngineClock] = ()) -> None:
        """The gateway's own engine, and what it knows of others'; needed as soon as there are users of version 3."""
        self._identity = identity
        if self._users:
            self._usm = UsmReceiver(self._users, identity, clocks)

    def remember(self, memory: bytes) -> None:
        """Take up what `memory` gave once; octets that are empty mean a fresh start."""
        self._correlator = self._new_correlator(msgspec.json.decode(memory, type=State) if memory else None)

    def memory(self, at_ms: int) -> bytes:
        """All that a restart needs to go on, at `at_ms`."""
        self._correlator.tidy(at_ms)
        return encode_json(self._correlator.state)

    @property
    def state(self) -> State:
        """What is open and pending now; to be read only."""
        return self._correlator.state

    def moved_clocks(self) -> list[EngineClock]:
        """The senders' clocks that have moved since the last call."""
        return self._usm.moved_clocks() if self._usm else []

    def next_deadline_ms(self) -> int | None:
        """When a tick is due."""
        return self._correlator.next_deadline_ms()

    def reload(self, site: Site) -> None:
        """From the next record on: rules, monitors, communities, users and relays of `site`. Raises SecretError.

        What is remembered of devices stays.
        """
        users = users_of(site)
        self._translator = Translator(Inventory(devices_of(site)), rules_of(site))
        self.communities = frozenset(text.encode() for text in site.access.communities)
        self._relays = site.access.trusted_relays
        self._known_relays.clear()
        self._plans.clear()
        self._users = users
        if self._usm is not None:
            self._usm.use(users)
        elif self._identity is not None:
            self.introduce(self._identity)
        self._site = site

    def read(self, data: bytes, source: str) -> Pdu | None:
        """The notification in a message of version 3 of a user who is known at its source."""
        return None if self._usm is None else self._usm.read(data, source)

    def acknowledgement(self, arrival: Arrival) -> bytes | None:
        """What an inform, or a question after the gateway's engine, is answered with."""
        if arrival.kind is not RecordKind.DATAGRAM or not wants_answer(arrival.data):
            return None
        return self._decode(arrival).acknowledgement

    def sender(self, arrival: Arrival) -> str:
        """Whom a datagram is from: the device, or the address of a stranger."""
        relayed = self._is_relay(arrival.source)
        subject = self._translator.subject(arrival.source)
        if relayed or (subject == arrival.source and is_version_1(arrival.data)):
            value = self._decode(arrival, relayed=relayed).value
            if isinstance(value, Notification):
                return self._translator.sender(value)
        return subject

    def conclude(self, record: Record) -> Concluded:
        """What follows from a record."""
        arrival = record.arrival
        if arrival.kind is not DATAGRAM:
            if arrival.kind is RecordKind.TICK:
                return Concluded(self._correlator.tick(record.position, arrival.at_ms))
            signals = self._translator.observation(decode_observation(arrival.data))
            return Concluded(self._correlator.signals(record.position, arrival.at_ms, signals))
        source, at_ms = arrival.source, arrival.at_ms
        relayed = bool(self._relays) and self._is_relay(source)
        # What stands behind a relay is many sources.
        verdict = PASSES if relayed else self._correlator.judge(source, record.position, at_ms)
        if verdict == PASSES:
            return self._tell(record.position, arrival, relayed=relayed)
        told: Sequence[Event] = ()
        if verdict == BEGINS:
            told = self._correlator.begin_storm(source, record.position, at_ms, self._translator.subject(source))
        if wants_answer(arrival.data):
            return Concluded(told, self._decode(arrival).acknowledgement, held=True)
        return Concluded(told, held=True) if told else HELD

    def held_with(self, records: Sequence[Record], at: int) -> int:
        """How many records from `at` on are held back like the one before, which gave `HELD`.

        They are of the same storm and instant, and nobody waits for an answer.
        """
        last = records[at - 1].arrival
        source, at_ms, end = last.source, last.at_ms, at
        while end < len(records):
            arrival = records[end].arrival
            if arrival.at_ms != at_ms or arrival.source != source or arrival.kind is not DATAGRAM:
                break
            if wants_answer(arrival.data):
                break
            end += 1
        if end > at:
            self._correlator.hold(source, end - at, records[end - 1].position)
        return end - at

    def _tell(self, position: int, arrival: Arrival, *, relayed: bool) -> Concluded:
        data = arrival.data
        found = timeless(data) if self._apart < LONG or position % SOME == 0 else None
        rest, uptime_ticks = found or (b"", 0)
        key = (arrival.source, arrival.listener, rest)
        plan = self._plans.get(key) if rest else None
        if plan is not None:
            self._apart = 0
            signals = [at_time(signal, uptime_ticks) for signal in plan.signals]
            events = self._correlator.signals(position, arrival.at_ms, signals)
            return Concluded(events, acknowledged(data) if plan.inform else None, NOTIFICATION)
        self._apart += 1
        decoded = self._decode(arrival, relayed=relayed)
        value = decoded.value
        signals = self._translator.datagram(value)
        if rest and decoded.again and isinstance(value, Notification):
            self._learn(key, signals, inform=value.inform)
        events = self._correlator.signals(position, arrival.at_ms, signals)
        return Concluded(events, decoded.acknowledgement, _name(value))

    def _learn(self, key: tuple[str, str, bytes], signals: list[Signal], *, inform: bool) -> None:
        """Remember what is heard a second time; most of what never comes again is not kept."""
        number = hash(key)
        if number in self._once:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            self._plans[key] = Plan(signals, inform=inform)
            return
        if len(self._once) >= MOST_PLANS:
            self._once.clear()
        self._once.add(number)

    def _decode(self, arrival: Arrival, *, relayed: bool = False) -> Decoded:
        return decode_datagram(arrival, self._tree, self.communities, self._usm, relayed=relayed)

    def _is_relay(self, source: str) -> bool:
        known = self._known_relays.get(source)
        if known is None:
            if len(self._known_relays) >= MOST_SOURCES:
                self._known_relays.clear()
            address = ip_address(source.partition("%")[0])
            known = self._known_relays[source] = any(address in network for network in self._relays)
        return known

    def _new_correlator(self, state: State | None) -> Correlator:
        site = self._site
        source = f"/ridethrough/{site.name}"
        return Correlator(ups_policies_of(site), source, state, bmc_policies_of(site), site_policy_of(site))


def _name(value: Content) -> str:
    if isinstance(value, Notification):
        return NOTIFICATION
    return f"refused_{value.reason}" if isinstance(value, Refused) else "undecodable"
