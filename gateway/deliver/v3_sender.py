"""Notifications sent on in version 3 (RFC 3412, 3414). Pure: octets and instants in, octets out.

For a trap the gateway's own engine is the authoritative one; for an inform the receiver's is, which is learned from its
reports first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ridethrough.gateway.records import EngineIdentity
from ridethrough.wire.snmp import Kind, Pdu, secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped

MAX_SIZE = 65507


@dataclass(frozen=True, slots=True)
class SealUser:
    """As whom a forward speaks."""

    name: bytes
    auth: Auth | None = None
    auth_password: bytes = field(default=b"", repr=False)
    priv: Priv | None = None
    priv_password: bytes = field(default=b"", repr=False)


class Engine(NamedTuple):
    """The receiver's engine, and the time that it told at an instant of ours."""

    engine_id: bytes
    boots: int
    time_s: int
    at_s: float


class Heard(NamedTuple):
    """What an answer says: the inform it acknowledges, or that one should be sent again with what was learned."""

    message_id: int
    again: bool = False


class V3Sender:
    """One forward. `random_bytes` gives salts."""

    def __init__(self, user: SealUser, random_bytes: Callable[[int], bytes]) -> None:
        self._user = user
        self._random_bytes = random_bytes
        self._keys: dict[bytes, Keys] = {}
        self._peer: Engine | None = None
        self.identity: EngineIdentity | None = None  # of the gateway; told before the first notification

    def trap(self, pdu: Pdu, unix_s: float) -> bytes:
        """A trap as a datagram."""
        own = self.identity
        if own is None:
            raise RuntimeError("the gateway's engine is not known yet")
        return self._sealed(pdu, Engine(own.engine_id, own.boots, int(unix_s) - own.zero_s, unix_s), unix_s, Flags.NONE)

    def inform(self, pdu: Pdu, now_s: float) -> bytes:
        """An inform as a datagram; a question after the receiver's engine while that is not known."""
        if self._peer is None:
            header = Header(pdu.request_id, MAX_SIZE, Flags.REPORTABLE, b"", 0, 0, b"")
            return secure.seal(header, Scoped(b"", b"", Pdu(Kind.GET, pdu.request_id, 0, 0, ())), Keys(), b"")
        return self._sealed(pdu, self._peer, now_s, Flags.REPORTABLE)

    def forget(self) -> None:
        """The receiver may have become another one."""
        self._peer = None

    def hear(self, data: bytes, now_s: float) -> Heard | None:
        """What an answer says; None for anything that is none of ours. Raises WireError."""
        message = v3.decode(data)
        header = message.header
        keys = self._keys_at(header.engine_id)
        if header.flags & Flags.AUTH and not secure.authentic(data, message, keys):
            return None
        payload = secure.plain(message, keys)
        if payload is None:
            return None
        pdu = v3.decode_scoped(payload).pdu
        if pdu.kind is Kind.RESPONSE and header.flags & keys.flags == keys.flags:
            return Heard(pdu.request_id)
        known = self._peer
        # An unauthenticated report may name another engine; only an authenticated one sets the time of this one.
        news = known is None or known.engine_id != header.engine_id or bool(header.flags & Flags.AUTH)
        if pdu.kind is not Kind.REPORT or not news or not header.engine_id:
            return None
        self._peer = Engine(header.engine_id, header.boots, header.time_s, now_s)
        return Heard(header.message_id, again=True)

    def _sealed(self, pdu: Pdu, engine: Engine, now_s: float, more: int) -> bytes:
        keys = self._keys_at(engine.engine_id)
        time_s = engine.time_s + int(now_s - engine.at_s)
        flags = keys.flags | more
        header = Header(pdu.request_id, MAX_SIZE, flags, engine.engine_id, engine.boots, time_s, self._user.name)
        return secure.seal(header, Scoped(engine.engine_id, b"", pdu), keys, self._random_bytes(8))

    def _keys_at(self, engine_id: bytes) -> Keys:
        keys = self._keys.get(engine_id)
        if keys is None:
            if len(self._keys) >= 4:
                self._keys.clear()  # a receiver changes its engine seldom, and a stranger's answers cost no memory
            user = self._user
            keys = secure.localized(user.auth, user.auth_password, user.priv, user.priv_password, engine_id)
            self._keys[engine_id] = keys
        return keys
