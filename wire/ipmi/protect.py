"""Protection of RMCP+ packets, the same from either end (IPMI 2.0 sections 13.28.4 and 13.29)."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from wire import rmcp
from wire.ipmi import packet
from wire.ipmi.algorithms import Keys
from wire.ipmi.packet import PacketPlus, Payload
from wire.primitives import BLOCK


def seal(
    keys: Keys,
    session_id: int,
    sequence: int,
    message: bytes,
    random_bytes: Callable[[int], bytes],
    kind: Payload = Payload.IPMI,
) -> bytes:
    """The datagram that carries `message` to the holder of `session_id`."""
    payload = keys.encrypt(message, random_bytes(BLOCK)) if keys.encrypts else message
    protected = keys.integrity is not None
    datagram = packet.encode_plus(PacketPlus(kind, keys.encrypts, protected, session_id, sequence, payload))
    if protected:
        datagram = packet.pad(datagram)
        datagram += keys.code(datagram[rmcp.HEADER_LENGTH :])
    return datagram


def authentic(keys: Keys, data: bytes, parsed: PacketPlus) -> bool:
    """Whether the packet is protected as its session demands and its code is right. Raises WireError."""
    if parsed.authenticated != (keys.integrity is not None) or parsed.encrypted != keys.encrypts:
        return False
    if keys.integrity is None:
        return True
    covered, code = packet.trailer(data, len(parsed.payload), keys.integrity.code_length)
    return hmac.compare_digest(keys.code(covered), code)


def plain(keys: Keys, parsed: PacketPlus) -> bytes:
    """The message of an authentic packet. Raises WireError."""
    return keys.decrypt(parsed.payload, parsed.payload_offset) if keys.encrypts else parsed.payload
