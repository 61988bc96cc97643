"""A user's keys at one engine, and messages sealed and opened with them (RFC 3414 section 3)."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from ridethrough.wire.snmp import usm, v3
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped, V3Message


class Keys(NamedTuple):
    """Without `auth` there is neither authentication nor privacy."""

    auth: Auth | None = None
    auth_key: bytes = b""
    priv: Priv | None = None
    priv_key: bytes = b""

    @property
    def flags(self) -> int:
        """The highest level that these keys allow."""
        if self.auth is None:
            return Flags.NONE
        return Flags.AUTH if self.priv is None else Flags.AUTH | Flags.PRIV


def localized(
    auth: Auth | None, auth_password: bytes, priv: Priv | None, priv_password: bytes, engine_id: bytes
) -> Keys:
    """The keys that a user's passwords give at an engine."""
    if auth is None:
        return Keys()
    auth_key = usm.localized_key(auth, auth_password, engine_id)
    if priv is None:
        return Keys(auth, auth_key)
    return Keys(auth, auth_key, priv, usm.privacy_key(auth, priv, priv_password, engine_id))


def seal(header: Header, scoped: Scoped, keys: Keys, salt: bytes) -> bytes:
    """A datagram at the level of `header.flags`, which `keys` must allow; `salt` must never repeat."""
    return seal_octets(header, v3.encode_scoped(scoped), keys, salt)


def seal_octets(header: Header, payload: bytes, keys: Keys, salt: bytes) -> bytes:
    """Likewise, of a scoped PDU that is encoded already."""
    flags = header.flags
    if flags & Flags.PRIV and keys.priv is not None:
        payload = usm.encrypt(keys.priv, keys.priv_key, payload, header.boots, header.time_s, salt)
    else:
        salt = b""
    if not flags & Flags.AUTH or keys.auth is None:
        return v3.encode_placed(header, payload, b"", salt)[0]
    blank = bytes(usm.code_length(keys.auth))
    data, start = v3.encode_placed(header, payload, blank, salt)
    return data[:start] + usm.code(keys.auth, keys.auth_key, data) + data[start + len(blank) :]


def authentic(data: bytes, message: V3Message, keys: Keys) -> bool:
    """Return whether the authentication code of a datagram is that of `keys`."""
    code = message.header.auth_params
    if keys.auth is None or len(code) != usm.code_length(keys.auth):
        return False
    start = message.auth_offset
    blank = data[:start] + bytes(len(code)) + data[start + len(code) :]
    return hmac.compare_digest(code, usm.code(keys.auth, keys.auth_key, blank))


def plain(message: V3Message, keys: Keys) -> bytes | None:
    """The scoped PDU's octets; None when they cannot be decrypted."""
    header = message.header
    if not header.flags & Flags.PRIV:
        return message.payload
    if keys.priv is None:
        return None
    return usm.decrypt(keys.priv, keys.priv_key, message.payload, header.boots, header.time_s, header.priv_params)
