"""Protection of RMCP+ packets, the same from either end (IPMI 2.0 sections 13.28.4 and 13.29)."""

from __future__ import annotations

import hmac

from ridethrough.wire import rmcp
from ridethrough.wire.ipmi import packet
from ridethrough.wire.ipmi.algorithms import SessionKeys
from ridethrough.wire.ipmi.packet import HEAD_PLUS, NEXT_HEADER, RMCP_PLUS, TRAILERS, PacketPlus, Payload
from ridethrough.wire.primitives import BLOCK

PADDED_TWO = bytes((2, NEXT_HEADER))


def seal(
    keys: SessionKeys,
    session_id: int,
    sequence: int,
    message: bytes,
    kind: Payload = Payload.IPMI,
) -> bytes:
    """The datagram that carries `message` to the holder of `session_id`."""
    length = len(message)
    if keys.encrypts:
        length = (length // BLOCK + 2) * BLOCK  # an IV in front; a pad length at least behind
    head = HEAD_PLUS.pack(rmcp.IPMI_HEADER, RMCP_PLUS, kind | keys.flags, session_id, sequence, length)
    # The header has the octets of a block, and no two packets of a session have the same.
    datagram = head + (keys.encrypt(message, head) if keys.encrypts else message)
    if not keys.code_length:
        return datagram
    datagram += TRAILERS[-(length + 2) % 4]
    return datagram + keys.code(datagram[rmcp.HEADER_LENGTH :])


def intact(keys: SessionKeys, data: bytes, length: int) -> bool:
    """Return the same as `authentic` for an encrypted payload of `length` octets, without parsing the packet."""
    end = len(data) - keys.code_length
    # Whole blocks behind a header of 12 octets, pad length and next-header: the pad has always two octets.
    if length % BLOCK or end != 20 + length or data[end - 2 : end] != PADDED_TWO:
        return False
    return hmac.compare_digest(keys.code(data[4:end]), data[end:])


def authentic(keys: SessionKeys, data: bytes, parsed: PacketPlus) -> bool:
    """Return whether a packet is protected as its session demands and its code is right. Raises WireError."""
    if parsed.authenticated != (keys.integrity is not None) or parsed.encrypted != keys.encrypts:
        return False
    if keys.integrity is None:
        return True
    covered, code = packet.trailer(data, len(parsed.payload), keys.integrity.code_length)
    return hmac.compare_digest(keys.code(covered), code)


def plain(keys: SessionKeys, parsed: PacketPlus) -> bytes:
    """The message of an authentic packet. Raises WireError."""
    return keys.decrypt(parsed.payload, parsed.payload_offset) if keys.encrypts else parsed.payload
