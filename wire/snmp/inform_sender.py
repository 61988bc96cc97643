"""Sending notifications of version 3, and learning the engine that receives informs (RFC 3414 section 4).

For a trap the sender's own engine is the authoritative one. For an inform it is the receiver's: a question without a
user brings a report that names it, and a report by that engine, authenticated, brings its time. `InformSender.datagram`
gives whichever is next; `InformSender.receive` learns from the reports and recognizes the acknowledgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped, V3Message
from ridethrough.wire.snmp.values import Kind, Pdu

MAX_SIZE = 65507  # the largest message that UDP over IPv4 carries


class EngineTime(NamedTuple):
    """An SNMP engine, and its snmpEngineBoots and snmpEngineTime when the clock of the sender stood at `at_ms`."""

    engine_id: bytes
    boots: int
    time_s: int
    at_ms: int

    def time_at(self, now_ms: int) -> int:
        """Its snmpEngineTime at another moment of the sender's clock."""
        return self.time_s + (now_ms - self.at_ms) // 1000


class NotificationUser(NamedTuple):
    """As whom notifications are sent. `salt` gives 8 octets, never the same twice, for the boots of an engine."""

    name: bytes
    keys_at: Callable[[bytes], Keys]
    salt: Callable[[int], bytes]


class InformResponse(NamedTuple):
    """The inform that an answer is about: acknowledged, or to be sent again with what was learned."""

    request_id: int
    acknowledged: bool


def seal_trap(pdu: Pdu, own: EngineTime, user: NotificationUser, now_ms: int) -> bytes:
    """A trap as a datagram, by the engine of its sender."""
    return _sealed(pdu, own, user, now_ms, Flags.NONE)


class InformSender:
    """Informs to one receiver; holds no inform itself and repeats none."""

    def __init__(self) -> None:
        self.engine: EngineTime | None = None  # the receiver's, once a report has named it

    def forget(self) -> None:
        """Ask for the engine again: the receiver may have become another one."""
        self.engine = None

    def datagram(self, pdu: Pdu, user: NotificationUser, now_ms: int) -> bytes:
        """The inform, or the question after the receiver's engine while that is not known."""
        if self.engine is None:
            return discovery(pdu.request_id)
        return _sealed(pdu, self.engine, user, now_ms, Flags.REPORTABLE)

    def receive(self, data: bytes, message: V3Message, keys: Keys, now_ms: int) -> InformResponse | None:
        """The inform that `data`, decoded as `message`, is about; `keys` are the user's at the engine that it names.

        None where it says nothing new. Raises WireError when it is not authentic or cannot be deciphered.
        """
        header = message.header
        if header.flags & Flags.AUTH and not secure.authentic(data, message, keys):
            raise WireError(0, "the answer is not authentic")
        payload = secure.plain(message, keys)
        if payload is None:
            raise WireError(0, "the answer cannot be deciphered")
        pdu = v3.decode_scoped(payload).pdu
        if pdu.kind is Kind.RESPONSE and header.flags & keys.flags == keys.flags:
            return InformResponse(pdu.request_id, acknowledged=True)
        known = self.engine
        # An unauthenticated report may name another engine; only an authenticated one sets the time of this one.
        new = known is None or known.engine_id != header.engine_id or bool(header.flags & Flags.AUTH)
        if pdu.kind is not Kind.REPORT or not new or not header.engine_id:
            return None
        self.engine = EngineTime(header.engine_id, header.boots, header.time_s, now_ms)
        return InformResponse(header.message_id, acknowledged=False)


def discovery(request_id: int) -> bytes:
    """A question whose report names the receiver's engine."""
    header = Header(request_id, MAX_SIZE, Flags.REPORTABLE, b"", 0, 0, b"")
    return secure.seal(header, Scoped(b"", b"", Pdu(Kind.GET, request_id, 0, 0, ())), Keys(), b"")


def _sealed(pdu: Pdu, engine: EngineTime, user: NotificationUser, now_ms: int, more: int) -> bytes:
    keys = user.keys_at(engine.engine_id)
    time_s = engine.time_at(now_ms)
    header = Header(pdu.request_id, MAX_SIZE, keys.flags | more, engine.engine_id, engine.boots, time_s, user.name)
    return secure.seal(header, Scoped(engine.engine_id, b"", pdu), keys, user.salt(engine.boots))
