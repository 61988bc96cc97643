"""Traps and informs on their way out: versions 1, 2c and 3, and repeats until an inform is acknowledged.

A version 3 inform is sealed for the engine that receives it, which is asked for first (RFC 3414 section 4).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ridethrough.emulators.bindings.snmp import UsmUser
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.kernel.instant import Instant, after, soonest
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, convert, decode, encode, v3
from ridethrough.wire.snmp.inform_sender import EngineTime, InformSender, NotificationUser, discovery, seal_trap
from ridethrough.wire.snmp.secure import Keys

Datagram = tuple[bytes, tuple[str, int]]


class Sender(Protocol):
    """The device whose traps go out."""

    engine_id: bytes
    users: dict[bytes, UsmUser]
    boots: int

    def engine_time_s(self, now: Instant) -> int:
        """Its snmpEngineTime."""


@dataclass(slots=True)
class Pending:
    """An inform without an acknowledgement so far."""

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
        self._senders: dict[tuple[str, int], InformSender] = {}  # by receiver
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
            data = self._encoded_trap(out, pdu, now)
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
        """True while an inform waits for its acknowledgement."""
        return bool(self._pending)

    def next_deadline(self) -> Instant | None:
        """The moment of the next repeat; None when no inform waits for its acknowledgement."""
        return soonest(*(pending.due for pending in self._pending.values()))

    def receive(self, data: bytes, peer: tuple[str, int], now: Instant) -> list[Datagram]:
        """Datagrams that an answer calls for. Raises nothing; what cannot be read is counted."""
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
        pending = self._pending.get(message.header.message_id)
        if pending is None or pending.peer != peer:
            return []
        keys = self._keys(pending.out.user, message.header.engine_id)
        response = self._informs(peer).receive(data, message, keys, now)
        if response is None:
            return []
        if response.acknowledged:
            self._acknowledge(response.request_id, peer)
            return []
        return self._try(pending, now)

    def _informs(self, peer: tuple[str, int]) -> InformSender:
        return self._senders.setdefault(peer, InformSender())

    def _keys(self, name: bytes, engine_id: bytes) -> Keys:
        user = self._sender.users.get(name)
        return Keys() if user is None else user.keys(engine_id)

    def _user(self, out: OutgoingTrap) -> NotificationUser | None:
        """As whom a trap goes out; counts it when there is no such user."""
        if out.user not in self._sender.users:
            self._counters["traps_without_user"] += 1
            return None
        return NotificationUser(out.user, partial(self._keys, out.user), self._next_salt)

    def _next_salt(self, boots: int) -> bytes:
        self._salt = (self._salt + 1) & 0xFFFFFFFF
        return boots.to_bytes(4, "big") + self._salt.to_bytes(4, "big")

    def _try(self, pending: Pending, now: Instant) -> list[Datagram]:
        out, pdu = pending.out, pending.pdu
        if out.version == 2:
            return [(encode(Message(Version.V2C, out.community, pdu)), pending.peer)]
        informs = self._informs(pending.peer)
        if informs.engine is None:
            return [(discovery(pdu.request_id), pending.peer)]
        user = self._user(out)
        return [] if user is None else [(informs.datagram(pdu, user, now), pending.peer)]

    def _encoded_trap(self, out: OutgoingTrap, pdu: Pdu, now: Instant) -> bytes | None:
        """A trap of version 2c or 3; None without a user to send it as."""
        if out.version == 2:
            return encode(Message(Version.V2C, out.community, pdu))
        user = self._user(out)
        if user is None:
            return None
        own = EngineTime(self._sender.engine_id, self._sender.boots, self._sender.engine_time_s(now), now)
        return seal_trap(pdu, own, user, now)


def notification_variables(trap: TrapV1) -> tuple[VarBind, ...]:
    """The variables of a version 2 notification that says what `trap` says (RFC 3584 section 3.1)."""
    return (
        VarBind(convert.SYS_UP_TIME, Tag.TIME_TICKS, trap.time_stamp),
        VarBind(convert.SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, convert.trap_oid(trap)),
        *trap.varbinds,
    )
