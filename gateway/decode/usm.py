"""Authenticates and deciphers notifications of SNMP version 3 (RFC 3414 section 3.2).

The sender of a trap is the authoritative engine; of an inform we are, and reports give senders our time. Time is that
of the arrival, so that a journal read again gives what it gave before.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from ridethrough.gateway.records import EngineClock, EngineIdentity
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, secure, v3
from ridethrough.wire.snmp.convert import acknowledge
from ridethrough.wire.snmp.engine import TIME_WINDOW_S, Request, UsmEngine, UsmFailure
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Scoped, V3Message

MAX_ENGINES = 4096  # senders whose keys and clocks are remembered


@dataclass(frozen=True)
class TrapUser:
    """A user who may send notifications. Without `auth` there is neither authentication nor privacy."""

    name: bytes
    auth: Auth | None = None
    auth_password: bytes = field(default=b"", repr=False)
    priv: Priv | None = None
    priv_password: bytes = field(default=b"", repr=False)
    sources: tuple[IPv4Network | IPv6Network, ...] = ()  # from where; several users may have one name

    @property
    def least(self) -> int:
        """The security level that messages of this user must have, as `msgFlags` has it."""
        return (Flags.AUTH if self.auth else 0) | (Flags.PRIV if self.priv else 0)

    def keys(self, engine_id: bytes) -> Keys:
        """Localize the user's keys to an engine. Slow: a million octets are hashed (RFC 3414 section A.2)."""
        return secure.localized(self.auth, self.auth_password, self.priv, self.priv_password, engine_id)


class OpenedMessage(NamedTuple):
    """A notification, its user, and the acknowledgement of an inform."""

    pdu: Pdu
    user: bytes
    ack: bytes | None = None
    engine_id: bytes = b""  # of a trap's sender, where that is proved


class RefusedMessage(NamedTuple):
    """A refused message: the reason's name, and the report that the sender gets."""

    reason: str
    report: bytes | None = None


class UsmReceiver:
    """Opens messages by the users who may send, and keeps the clocks of the senders' engines."""

    def __init__(self, users: Sequence[TrapUser], identity: EngineIdentity, clocks: Iterable[EngineClock] = ()) -> None:
        self._by_source: OrderedDict[str, Mapping[bytes, TrapUser]] = OrderedDict()
        self._keys: OrderedDict[tuple[int, bytes], Keys] = OrderedDict()  # by user and engine
        self.use(users)
        self._identity = identity
        self._engine: UsmEngine[TrapUser] = UsmEngine(identity.engine_id, lambda: self._known, Counter(), identity.salt)
        self._clocks = OrderedDict((clock.engine_id, clock) for clock in clocks)
        self._moved: dict[bytes, EngineClock] = {}

    def use(self, users: Sequence[TrapUser]) -> None:
        """Replace the users; engines and their clocks stay known."""
        self._users = users
        self._by_network = any(user.sources for user in users)
        self._known: Mapping[bytes, TrapUser] = {user.name: user for user in users}  # at the source looked at
        self._by_source.clear()
        self._keys.clear()

    def open(self, data: bytes, at_ms: int, source: str) -> OpenedMessage | RefusedMessage:
        """Open a message that arrived from `source` at `at_ms`, Unix time. Raises WireError for unreadable octets."""
        message = v3.decode(data)
        self._select_users(source)
        if message.header.flags & Flags.REPORTABLE or message.header.engine_id == self._identity.engine_id:
            return self._open_inform(data, at_ms)
        taken = self._authentic(data, message)
        if isinstance(taken, RefusedMessage):
            return taken
        if message.header.flags & Flags.AUTH and not self._in_time(message, at_ms):
            return _refuse(UsmFailure.NOT_IN_TIME_WINDOWS)
        authentic = message.header.flags & Flags.AUTH
        return OpenedMessage(taken.pdu, message.header.user, engine_id=message.header.engine_id if authentic else b"")

    def read(self, data: bytes, source: str) -> Pdu | None:
        """Return the notification in a message that was opened before, whatever the clocks say; None for any other."""
        try:
            message = v3.decode(data)
            self._select_users(source)
            taken = self._authentic(data, message)
        except WireError:
            return None
        return None if isinstance(taken, RefusedMessage) else taken.pdu

    def _select_users(self, source: str) -> None:
        """Select the users for a source: of several with one name the first whose networks hold it, else one of all."""
        if not self._by_network:
            return
        known = self._by_source.get(source)
        if known is None:
            address = ip_address(source.partition("%")[0])
            found: dict[bytes, TrapUser] = {user.name: user for user in self._users if not user.sources}
            for user in reversed(self._users):
                if any(address in network for network in user.sources):
                    found[user.name] = user
            known = self._by_source[source] = found
            if len(self._by_source) > MAX_ENGINES:
                self._by_source.popitem(last=False)
        self._known = known

    def moved_clocks(self) -> list[EngineClock]:
        """Return the senders' clocks that have moved since the last call."""
        moved, self._moved = list(self._moved.values()), {}
        return moved

    def _authentic(self, data: bytes, message: V3Message) -> Scoped | RefusedMessage:
        header = message.header
        user = self._known.get(header.user)
        if user is None:
            return _refuse(UsmFailure.UNKNOWN_USER_NAMES)
        if header.flags & (Flags.AUTH | Flags.PRIV) != user.least:
            return _refuse(UsmFailure.UNSUPPORTED_SECURITY_LEVELS)
        keys = self._keys_of(user, header.engine_id)
        if header.flags & Flags.AUTH and not secure.authentic(data, message, keys):
            return _refuse(UsmFailure.WRONG_DIGESTS)
        return _scoped(secure.plain(message, keys), message)

    def _keys_of(self, user: TrapUser, engine_id: bytes) -> Keys:
        place = (id(user), engine_id)
        keys = self._keys.get(place)
        if keys is None:
            keys = self._keys[place] = user.keys(engine_id)
            if len(self._keys) > MAX_ENGINES:
                self._keys.popitem(last=False)
        return keys

    def _in_time(self, message: V3Message, at_ms: int) -> bool:
        """Check the time window (RFC 3414 section 3.2, 7b); an engine's first message sets its clock."""
        header = message.header
        known = self._clocks.get(header.engine_id)
        if known is not None:
            expected_s = known.time_s + (at_ms - known.at_ms) // 1000
            if header.boots < known.boots:
                return False
            if header.boots == known.boots and header.time_s < expected_s - TIME_WINDOW_S:
                return False
        if known is None or (header.boots, header.time_s) > (known.boots, known.time_s):
            clock = EngineClock(header.engine_id, header.boots, header.time_s, at_ms)
            self._clocks[header.engine_id] = self._moved[header.engine_id] = clock
            self._clocks.move_to_end(header.engine_id)
            if len(self._clocks) > MAX_ENGINES:
                self._clocks.popitem(last=False)
        return True

    # --- informs ----------------------------------------------------------------------------------------------

    def _open_inform(self, data: bytes, at_ms: int) -> OpenedMessage | RefusedMessage:
        boots, time_s = self._identity.boots, max(0, at_ms // 1000 - self._identity.zero_s)
        before = dict(self._engine.counters)
        request = self._engine.open(data, boots, time_s)
        scoped: Scoped | bytes | None = None
        if isinstance(request, Request):
            if request.message.header.flags & (Flags.AUTH | Flags.PRIV) != request.user.least:
                return _refuse(UsmFailure.UNSUPPORTED_SECURITY_LEVELS)
            scoped = self._engine.read(request, boots, time_s)
            if isinstance(scoped, Scoped):
                if scoped.pdu.kind is not Kind.INFORM:
                    return OpenedMessage(scoped.pdu, request.user.name)
                answer = v3.encode_scoped(scoped._replace(pdu=acknowledge(scoped.pdu)))
                return OpenedMessage(scoped.pdu, request.user.name, self._engine.seal(request, answer, boots, time_s))
        report = scoped if isinstance(scoped, bytes) else request if isinstance(request, bytes) else None
        reason = next(name for name, count in self._engine.counters.items() if count != before.get(name, 0))
        return RefusedMessage(reason, report)


def _refuse(reason: UsmFailure) -> RefusedMessage:
    return RefusedMessage(reason.name.lower())


def _scoped(payload: bytes | None, message: V3Message) -> Scoped | RefusedMessage:
    """Decode a scoped PDU. Raises WireError when it was not enciphered and cannot be read."""
    if payload is None:
        return _refuse(UsmFailure.DECRYPTION_ERRORS)
    try:
        return v3.decode_scoped(payload)
    except WireError:
        if message.header.flags & Flags.PRIV:
            return _refuse(UsmFailure.DECRYPTION_ERRORS)
        raise
