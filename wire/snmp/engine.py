"""An authoritative SNMP engine with the User-based Security Model (RFC 3414 section 3.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Generic, Protocol, TypeVar

from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind, secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped, V3Message

TIME_WINDOW_S = 150
MAX_SIZE = 65507
USM_STATS = Oid.parse("1.3.6.1.6.3.15.1.1")


class UsmFailure(Enum):
    """Reason for which a message got a report, by the number of its usmStats counter."""

    UNSUPPORTED_SECURITY_LEVELS = 1
    NOT_IN_TIME_WINDOWS = 2
    UNKNOWN_USER_NAMES = 3
    UNKNOWN_ENGINE_IDS = 4
    WRONG_DIGESTS = 5
    DECRYPTION_ERRORS = 6


MAX_KEYS = 1024  # users whose keys are remembered


class User(Protocol):
    """A user as the engine needs it. Without `auth` there is neither authentication nor privacy."""

    @property
    def name(self) -> bytes:
        """The name, 1 to 32 octets."""

    @property
    def auth(self) -> Auth | None:
        """The protocol of authentication; None without."""

    @property
    def priv(self) -> Priv | None:
        """The protocol of privacy; None without."""

    def keys(self, engine_id: bytes) -> Keys:
        """The user's keys at an engine."""


U = TypeVar("U", bound=User)


class Request(Generic[U]):
    """A message that passed: who sent it, at which level, and the octets of its scoped PDU."""

    def __init__(self, message: V3Message, user: U, payload: bytes) -> None:
        self.message = message
        self.user = user
        self.payload = payload


class UsmEngine(Generic[U]):
    """One for each device, or gateway. `users` are those known there; counters carry the names of usmStats."""

    def __init__(
        self, engine_id: bytes, users: Callable[[], Mapping[bytes, U]], counters: Counter[str], salt: int = 0
    ) -> None:
        """`salt` is where salts begin: anywhere, and elsewhere after each start (RFC 3826 section 3.1.2.1)."""
        self.engine_id = engine_id
        self.counters = counters
        self._users = users
        self._keys: dict[int, tuple[U, Keys]] = {}  # by the user's own identity: several may have one name
        self._salt = salt

    def open(self, data: bytes, boots: int, time_s: int) -> Request[U] | bytes | None:
        """The request inside a datagram; a report that refuses it; or None for silence. Raises WireError."""
        message = v3.decode(data)
        header = message.header
        if header.engine_id != self.engine_id:
            return self._report(UsmFailure.UNKNOWN_ENGINE_IDS, message, boots, time_s, None)
        user = self._users().get(header.user)
        if user is None:
            return self._report(UsmFailure.UNKNOWN_USER_NAMES, message, boots, time_s, None)
        wants_auth, wants_priv = bool(header.flags & Flags.AUTH), bool(header.flags & Flags.PRIV)
        if (wants_auth and user.auth is None) or (wants_priv and user.priv is None):
            return self._report(UsmFailure.UNSUPPORTED_SECURITY_LEVELS, message, boots, time_s, None)
        keys = self._keys_of(user)
        if wants_auth:
            if not secure.authentic(data, message, keys):
                return self._report(UsmFailure.WRONG_DIGESTS, message, boots, time_s, None)
            if header.boots != boots or abs(header.time_s - time_s) > TIME_WINDOW_S:
                # The only report that is authenticated, so that a manager may learn the time from it.
                return self._report(UsmFailure.NOT_IN_TIME_WINDOWS, message, boots, time_s, user)
        payload = secure.plain(message, keys)
        if payload is None:
            return self._report(UsmFailure.DECRYPTION_ERRORS, message, boots, time_s, None)
        return Request(message, user, payload)

    def read(self, request: Request[U], boots: int, time_s: int) -> Scoped | bytes | None:
        """Decode a request; a report or silence where a wrong key made nonsense of it. Raises WireError."""
        try:
            return v3.decode_scoped(request.payload)
        except WireError:
            if not request.message.header.flags & Flags.PRIV:
                raise
            return self._report(UsmFailure.DECRYPTION_ERRORS, request.message, boots, time_s, None)

    def seal(self, request: Request[U], payload: bytes, boots: int, time_s: int) -> bytes:
        """The answer to `request`, at its security level; `payload` is an encoded scoped PDU."""
        header = request.message.header
        return self._seal(header, header.flags & ~Flags.REPORTABLE, request.user, payload, boots, time_s)

    def _keys_of(self, user: U) -> Keys:
        """The user's keys here, worked out once."""
        known = self._keys.get(id(user))
        if known is None:
            if len(self._keys) >= MAX_KEYS:
                self._keys.clear()
            known = self._keys[id(user)] = (user, user.keys(self.engine_id))
        return known[1]

    def _report(self, reason: UsmFailure, message: V3Message, boots: int, time_s: int, user: U | None) -> bytes | None:
        """RFC 3412 section 7.1.3: only reportable messages are answered."""
        name = reason.name.lower()
        self.counters[name] += 1
        if not message.header.flags & Flags.REPORTABLE:
            return None
        request_id = 0
        if not message.header.flags & Flags.PRIV:
            try:
                request_id = v3.decode_scoped(message.payload).pdu.request_id
            except WireError:
                request_id = 0  # what cannot be read cannot be named
        counter = VarBind(USM_STATS.child(reason.value, 0), Tag.COUNTER32, self.counters[name])
        pdu = Pdu(Kind.REPORT, request_id, 0, 0, (counter,))
        flags = Flags.AUTH if user is not None else Flags.NONE
        payload = v3.encode_scoped(Scoped(self.engine_id, b"", pdu))
        return self._seal(message.header, flags, user, payload, boots, time_s)

    def _seal(self, header: Header, flags: int, user: U | None, payload: bytes, boots: int, time_s: int) -> bytes:
        self._salt = (self._salt + 1) & 0xFFFFFFFF
        salt = boots.to_bytes(4, "big") + self._salt.to_bytes(4, "big")
        keys = Keys() if user is None else self._keys_of(user)
        answer = Header(header.message_id, MAX_SIZE, flags, self.engine_id, boots, time_s, header.user)
        return secure.seal_octets(answer, payload, keys, salt)
