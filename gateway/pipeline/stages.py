"""Decode, translate, correlate: what follows from a record of the journal.

Pure: nothing here waits, no clock is read, and the same records give the same events. What a site file says is handed
in as a `StageConfig`, so that this package loads no listener, client or database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, NamedTuple

import msgspec

from ridethrough.gateway.correlate import BmcPolicy, Correlator, CorrelatorState, SitePolicy, UpsPolicy
from ridethrough.gateway.decode import TrapUser, UsmReceiver, build_ack, decode_datagram, decode_observation
from ridethrough.gateway.decode.snmp import Content, Decoded, is_version_1, wants_ack
from ridethrough.gateway.pipeline.notification_cache import NotificationCache
from ridethrough.gateway.records import (
    Arrival,
    EngineClock,
    EngineIdentity,
    Event,
    Notification,
    Record,
    RecordKind,
    RefusedDatagram,
    encode_json,
)
from ridethrough.gateway.translate import Inventory, Translator, UserRule, at_time
from ridethrough.mibs import MibTree
from ridethrough.wire.snmp import Pdu

MAX_SOURCES: Final = 65536
NOTIFICATION: Final = "notification"
DATAGRAM: Final = RecordKind.DATAGRAM


class StageConfig(NamedTuple):
    """The part of a site's configuration that the stages need."""

    source: str  # of its events, as CloudEvents has it
    inventory: Inventory
    rules: Sequence[UserRule]
    users: Sequence[TrapUser]  # of SNMPv3
    communities: frozenset[bytes]
    relays: Sequence[IPv4Network | IPv6Network]  # whose word on the original sender is taken
    ups_policies: Mapping[str, UpsPolicy]
    bmc_policies: Mapping[str, BmcPolicy]
    site_policy: SitePolicy


class StageResult:
    """Result of a record: events, the acknowledgement of an inform, and what the record was.

    `outcome` names what a datagram was; it is empty for a tick, an observation or a suppressed datagram of a storm.
    `count` is how many records it is for: more than one for suppressed datagrams of one source and instant.
    """

    def __init__(
        self,
        events: Sequence[Event],
        ack: bytes | None = None,
        outcome: str = "",
        *,
        suppressed: bool = False,
        count: int = 1,
    ) -> None:
        self.events = events
        self.ack = ack
        self.outcome = outcome
        self.suppressed = suppressed
        self.count = count


class Stages:
    """Runs the stages of one site and holds their state."""

    def __init__(self, config: StageConfig, tree: MibTree) -> None:
        self._config = config
        self._tree = tree
        self._known_relays: dict[str, bool] = {}
        self._cache = NotificationCache()
        self._usm: UsmReceiver | None = None
        self._identity: EngineIdentity | None = None  # of the gateway's own engine
        self._translator = Translator(config.inventory, config.rules)
        self._correlator = self._new_correlator(None)

    @property
    def communities(self) -> frozenset[bytes]:
        """Communities that senders of versions 1 and 2c may use."""
        return self._config.communities

    def set_engine(self, identity: EngineIdentity, clocks: Iterable[EngineClock] = ()) -> None:
        """Set the gateway's own engine and the clocks of others. Needed as soon as there are users of version 3."""
        self._identity = identity
        if self._config.users:
            self._usm = UsmReceiver(self._config.users, identity, clocks)

    def load_state(self, state: bytes) -> None:
        """Go on from what `dump_state` gave once; octets that are empty mean a fresh start."""
        self._correlator = self._new_correlator(msgspec.json.decode(state, type=CorrelatorState) if state else None)

    def dump_state(self, at_ms: int) -> bytes:
        """Encode the state, without what no longer matters at `at_ms`, for `load_state` after a restart."""
        self._correlator.tidy(at_ms)
        return encode_json(self._correlator.state)

    @property
    def state(self) -> CorrelatorState:
        """State of the correlator now; to be read only."""
        return self._correlator.state

    def moved_clocks(self) -> list[EngineClock]:
        """Return the senders' clocks that have moved since the last call."""
        return self._usm.moved_clocks() if self._usm else []

    def next_deadline_ms(self) -> int | None:
        """Unix time at which a tick is due; None while nothing waits."""
        return self._correlator.next_deadline_ms()

    def reload(self, config: StageConfig) -> None:
        """Use another inventory, rules, communities, users and relays from the next record on.

        The state of devices stays.
        """
        self._config = config
        self._translator = Translator(config.inventory, config.rules)
        self._known_relays.clear()
        self._cache.clear()
        if self._usm is not None:
            self._usm.use(config.users)
        elif self._identity is not None:
            self.set_engine(self._identity)

    def read(self, data: bytes, source: str) -> Pdu | None:
        """Return the notification in a message of version 3; None without a user who may send it from that source."""
        return None if self._usm is None else self._usm.read(data, source)

    def ack(self, arrival: Arrival) -> bytes | None:
        """Acknowledgement of an inform, or the report that a discovery of the gateway's engine waits for; else None."""
        if arrival.kind is not RecordKind.DATAGRAM or not wants_ack(arrival.data):
            return None
        return self._decode(arrival).ack

    def sender(self, arrival: Arrival) -> str:
        """The device that sent a datagram, or the address of an unknown sender."""
        relayed = self._is_relay(arrival.source)
        subject = self._translator.subject(arrival.source)
        if relayed or (subject == arrival.source and is_version_1(arrival.data)):
            value = self._decode(arrival, relayed=relayed).value
            if isinstance(value, Notification):
                return self._translator.sender(value)
        return subject

    def process(self, records: Sequence[Record], at: int = 0) -> StageResult:
        """Derive what follows from the record at index `at`, and from `count - 1` more of the same storm behind it."""
        record = records[at]
        arrival = record.arrival
        if arrival.kind is not DATAGRAM:
            if arrival.kind is RecordKind.TICK:
                return StageResult(self._correlator.tick(record.position, arrival.at_ms))
            signals = self._translator.observation(decode_observation(arrival.data))
            return StageResult(self._correlator.signals(record.position, arrival.at_ms, signals))
        source, at_ms = arrival.source, arrival.at_ms
        relayed = bool(self._config.relays) and self._is_relay(source)
        if relayed:  # what stands behind a relay is many sources, so no storm is seen in it
            return self._notification(record.position, arrival, relayed=True)
        admission = self._correlator.admit(source, record.position, at_ms, self._translator.subject)
        if admission.admitted:
            return self._notification(record.position, arrival, relayed=False)
        if wants_ack(arrival.data):
            return StageResult(admission.events, self._decode(arrival).ack, suppressed=True)
        if admission.events:
            return StageResult(admission.events, suppressed=True)
        return StageResult((), suppressed=True, count=1 + self._suppress_following(records, at + 1))

    def _suppress_following(self, records: Sequence[Record], start: int) -> int:
        """Suppress records of the same storm and instant from index `start` on; how many.

        None of them is an inform, since an inform's sender waits for an acknowledgement.
        """
        last = records[start - 1].arrival
        source, at_ms, end = last.source, last.at_ms, start
        while end < len(records):
            arrival = records[end].arrival
            if arrival.at_ms != at_ms or arrival.source != source or arrival.kind is not DATAGRAM:
                break
            if wants_ack(arrival.data):
                break
            end += 1
        if end > start:
            self._correlator.suppress(source, end - start, records[end - 1].position, at_ms)
        return end - start

    def _notification(self, position: int, arrival: Arrival, *, relayed: bool) -> StageResult:
        """Decode, unless the same was decoded before at another time; translate; correlate."""
        found = self._cache.lookup(arrival, position)
        if found.cached is not None:
            signals = [at_time(signal, found.uptime_ticks) for signal in found.cached.signals]
            events = self._correlator.signals(position, arrival.at_ms, signals)
            return StageResult(events, build_ack(arrival.data) if found.cached.inform else None, NOTIFICATION)
        decoded = self._decode(arrival, relayed=relayed)
        value = decoded.value
        signals = self._translator.datagram(value)
        if decoded.again and isinstance(value, Notification):
            self._cache.learn(found, signals, inform=value.inform)
        events = self._correlator.signals(position, arrival.at_ms, signals)
        return StageResult(events, decoded.ack, _name(value))

    def _decode(self, arrival: Arrival, *, relayed: bool = False) -> Decoded:
        return decode_datagram(arrival, self._tree, self._config.communities, self._usm, relayed=relayed)

    def _is_relay(self, source: str) -> bool:
        known = self._known_relays.get(source)
        if known is None:
            if len(self._known_relays) >= MAX_SOURCES:
                self._known_relays.clear()
            address = ip_address(source.partition("%")[0])
            known = self._known_relays[source] = any(address in network for network in self._config.relays)
        return known

    def _new_correlator(self, state: CorrelatorState | None) -> Correlator:
        config = self._config
        return Correlator(config.ups_policies, config.source, state, config.bmc_policies, config.site_policy)


def _name(value: Content) -> str:
    if isinstance(value, Notification):
        return NOTIFICATION
    return f"refused_{value.reason}" if isinstance(value, RefusedDatagram) else "undecodable"
