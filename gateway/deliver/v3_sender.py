"""Notifications sent on in version 3, as one user to one receiver. Pure: octets and instants in, octets out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ridethrough.gateway.records import EngineIdentity
from ridethrough.wire.snmp import Pdu, secure, v3
from ridethrough.wire.snmp.inform_sender import EngineTime, InformResponse, InformSender, NotificationUser, seal_trap
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv

MAX_KEYS = 4  # engines whose localized keys are kept


@dataclass(frozen=True, slots=True)
class ForwardUser:
    """As whom a forward speaks."""

    name: bytes
    auth: Auth | None = None
    auth_password: bytes = field(default=b"", repr=False)
    priv: Priv | None = None
    priv_password: bytes = field(default=b"", repr=False)


class V3Sender:
    """The messages of one forward. `random_bytes` gives salts; `now_ms` everywhere is Unix time."""

    def __init__(self, user: ForwardUser, random_bytes: Callable[[int], bytes]) -> None:
        self._user = user
        self._keys: dict[bytes, Keys] = {}
        self._as_user = NotificationUser(user.name, self._keys_at, lambda _boots: random_bytes(8))
        self._informs = InformSender()
        self.identity: EngineIdentity | None = None  # of the gateway; set before the first notification

    def trap(self, pdu: Pdu, now_ms: int) -> bytes:
        """A trap as a datagram."""
        own = self.identity
        if own is None:
            raise RuntimeError("the gateway's engine is not known yet")
        now = EngineTime(own.engine_id, own.boots, now_ms // 1000 - own.zero_s, now_ms)
        return seal_trap(pdu, now, self._as_user, now_ms)

    def inform(self, pdu: Pdu, now_ms: int) -> bytes:
        """An inform as a datagram; a question after the receiver's engine while that is not known."""
        return self._informs.datagram(pdu, self._as_user, now_ms)

    @property
    def receiver(self) -> EngineTime | None:
        """The receiver's engine; None before its first report."""
        return self._informs.engine

    def forget(self) -> None:
        """Ask for the receiver's engine again: it may have become another one."""
        self._informs.forget()

    def handle_response(self, data: bytes, now_ms: int) -> InformResponse | None:
        """The inform that an answer acknowledges or asks for again; None for neither. Raises WireError."""
        message = v3.decode(data)
        return self._informs.receive(data, message, self._keys_at(message.header.engine_id), now_ms)

    def _keys_at(self, engine_id: bytes) -> Keys:
        keys = self._keys.get(engine_id)
        if keys is None:
            if len(self._keys) >= MAX_KEYS:
                self._keys.clear()  # a receiver changes its engine seldom, and a stranger's answers cost no memory
            user = self._user
            keys = secure.localized(user.auth, user.auth_password, user.priv, user.priv_password, engine_id)
            self._keys[engine_id] = keys
        return keys
