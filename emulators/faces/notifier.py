"""Traps and informs on their way out: versions 1, 2c and 3, and repeats until an inform is acknowledged.

A version 3 inform is sealed for the engine that receives it, which is asked for first (RFC 3414 section 4).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ridethrough.emulators.bindings.snmp import UsmUser
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.kernel.instant import Instant, after, seconds_between, soonest
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, convert, decode, encode, secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped

Datagram = tuple[bytes, tuple[str, int]]
MAX_SIZE = 65507


class Sender(Protocol):
    """The device whose traps go out."""

    engine_id: bytes
    users: dict[bytes, UsmUser]
    boots: int

    def engine_time_s(self, now: Instant) -> int:
        """Return snmpEngineTime in seconds."""


class Engine(NamedTuple):
    """A receiver's engine, and its time when it was last heard."""

    engine_id: bytes
    boots: int = 0
    time_s: int = 0
    heard: Instant = Instant(0)

    def time_at(self, now: Instant) -> int:
        """snmpEngineTime by our own clock."""
        return self.time_s + int(seconds_between(self.heard, now))


@dataclass(slots=True)
class Pending:
    """An inform that nobody has acknowledged yet."""

    pdu: Pdu
    peer: tuple[str, int]
    out: OutgoingTrap
    left: int  # repeats
    due: Instant


class Notifier:
    """`repeat_s` and `repeats` are those of informs."""

    def __init__(self, sender: Sender, counters: Counter[str], repeat_s: float, repeats: int, salt: int = 0) -> None:
        self._sender = sender
        self._counters = counters
        self._repeat_s = repeat_s
        self._repeats = repeats
        self._pending: dict[int, Pending] = {}  # by request and message identifier
        self._engines: dict[tuple[str, int], Engine] = {}
        self._last_id = 0
        self._salt = salt

    def send(self, out: OutgoingTrap, port: int, now: Instant) -> list[Datagram]:
        """The datagrams of a trap; `port` is where it goes unless it says so itself."""
        if out.version == 1:
            return self.plain(out, port)
        peer = (out.receiver, out.port or port)
        self._last_id = self._last_id % 0x7FFFFFFF + 1
        kind = Kind.INFORM if out.inform else Kind.TRAP_V2
        pdu = Pdu(kind, self._last_id, 0, 0, notification_variables(out.trap))
        if not out.inform:
            data = self._encoded(out, pdu, None, now)
            return [] if data is None else [(data, peer)]
        pending = Pending(pdu, peer, out, self._repeats, after(now, self._repeat_s))
        self._pending[pdu.request_id] = pending
        return self._try(pending, now)

    @staticmethod
    def plain(out: OutgoingTrap, port: int) -> list[Datagram]:
        """A version 1 trap, which needs no engine."""
        return [(encode(Message(Version.V1, out.community, out.trap)), (out.receiver, out.port or port))]

    def advance(self, now: Instant) -> list[Datagram]:
        """Repeats that are due; an inform without any left is given up and counted."""
        datagrams: list[Datagram] = []
        for identifier, pending in list(self._pending.items()):
            if pending.due > now:
                continue
            if not pending.left:
                del self._pending[identifier]
                self._counters["informs_given_up"] += 1
                continue
            pending.left -= 1
            pending.due = after(now, self._repeat_s)
            datagrams += self._try(pending, now)
        return datagrams

    @property
    def waiting(self) -> bool:
        """True while an acknowledgement may still come."""
        return bool(self._pending)

    def next_deadline(self) -> Instant | None:
        """Return the instant of the next repeat; None while nothing waits for an acknowledgement."""
        return soonest(*(pending.due for pending in self._pending.values()))

    def receive(self, data: bytes, peer: tuple[str, int], now: Instant) -> list[Datagram]:
        """Take an answer; return the datagrams that it calls for. Raises nothing; what cannot be read is counted."""
        try:
            return self._receive_v3(data, peer, now) if v3.is_v3(data) else self._receive_v2(data, peer)
        except WireError:
            self._counters["informs_answered_badly"] += 1
            return []

    # --- version 2c ---------------------------------------------------------------------------------------------

    def _receive_v2(self, data: bytes, peer: tuple[str, int]) -> list[Datagram]:
        pdu = decode(data).pdu
        if not isinstance(pdu, TrapV1) and pdu.kind is Kind.RESPONSE:
            self._acknowledge(pdu.request_id, peer)
        return []

    def _acknowledge(self, identifier: int, peer: tuple[str, int]) -> None:
        pending = self._pending.get(identifier)
        if pending is not None and pending.peer == peer:
            del self._pending[identifier]
            self._counters["informs_acknowledged"] += 1

    # --- version 3 ----------------------------------------------------------------------------------------------

    def _receive_v3(self, data: bytes, peer: tuple[str, int], now: Instant) -> list[Datagram]:
        message = v3.decode(data)
        header = message.header
        pending = self._pending.get(header.message_id)
        if pending is None or pending.peer != peer:
            return []
        known = self._engines.get(peer)
        keys = self._keys(pending.out, header.engine_id)
        if header.flags & Flags.AUTH and not secure.authentic(data, message, keys):
            self._counters["informs_answered_badly"] += 1
            return []
        payload = secure.plain(message, keys)
        if payload is None:
            self._counters["informs_answered_badly"] += 1
            return []
        pdu = v3.decode_scoped(payload).pdu
        if pdu.kind is Kind.RESPONSE and header.flags & keys.flags == keys.flags:
            self._acknowledge(pdu.request_id, peer)
            return []
        learned = Engine(header.engine_id, header.boots, header.time_s, now)
        # An unauthenticated report names the engine; only an authenticated one sets its time.
        news = known is None or known.engine_id != header.engine_id or bool(header.flags & Flags.AUTH)
        if pdu.kind is not Kind.REPORT or not news:
            return []
        self._engines[peer] = learned
        return self._try(pending, now)

    def _keys(self, out: OutgoingTrap, engine_id: bytes) -> Keys:
        user = self._sender.users.get(out.user)
        return Keys() if user is None else user.keys(engine_id)

    def _try(self, pending: Pending, now: Instant) -> list[Datagram]:
        engine = self._engines.get(pending.peer)
        if pending.out.version == 3 and engine is None:
            return [(self._discovery(pending.pdu.request_id), pending.peer)]
        data = self._encoded(pending.out, pending.pdu, engine, now)
        return [] if data is None else [(data, pending.peer)]

    def _discovery(self, identifier: int) -> bytes:
        header = Header(identifier, MAX_SIZE, Flags.REPORTABLE, b"", 0, 0, b"")
        return secure.seal(header, Scoped(b"", b"", Pdu(Kind.GET, identifier, 0, 0, ())), Keys(), b"")

    def _encoded(self, out: OutgoingTrap, pdu: Pdu, engine: Engine | None, now: Instant) -> bytes | None:
        if out.version == 2:
            return encode(Message(Version.V2C, out.community, pdu))
        if out.user not in self._sender.users:
            self._counters["traps_without_user"] += 1
            return None
        if engine is None:  # a trap: the sender's engine is the authoritative one
            engine = Engine(self._sender.engine_id, self._sender.boots, self._sender.engine_time_s(now), now)
        keys = self._keys(out, engine.engine_id)
        flags = keys.flags | (Flags.REPORTABLE if out.inform else Flags.NONE)
        header = Header(pdu.request_id, MAX_SIZE, flags, engine.engine_id, engine.boots, engine.time_at(now), out.user)
        self._salt = (self._salt + 1) & 0xFFFFFFFF
        salt = engine.boots.to_bytes(4, "big") + self._salt.to_bytes(4, "big")
        return secure.seal(header, Scoped(engine.engine_id, b"", pdu), keys, salt)


def notification_variables(trap: TrapV1) -> tuple[VarBind, ...]:
    """The variables of a version 2 notification that says what `trap` says (RFC 3584 section 3.1)."""
    return (
        VarBind(convert.SYS_UP_TIME, Tag.TIME_TICKS, trap.time_stamp),
        VarBind(convert.SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, convert.trap_oid(trap)),
        *trap.varbinds,
    )
