"""Session headers: IPMI 1.5 (IPMI 2.0 section 13.6) and RMCP+ (section 13.27)."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from ridethrough.wire import rmcp
from ridethrough.wire.errors import WireError

RMCP_PLUS = 0x06  # authentication type of RMCP+ packets
NEXT_HEADER = 0x07
HEAD_PLUS = Struct("<4sBBIIH")
"""RMCP header, authentication type, flags and payload type, session, sequence, length (section 13.27.3)."""

TRAILERS = [b"\xff" * count + bytes((count, NEXT_HEADER)) for count in range(4)]
"""Integrity trailers by the number of pad octets, without the code (section 13.28.4)."""

LEGACY_PAD_LENGTHS = frozenset({56, 84, 112, 128, 156})  # section 13.6, "legacy pad"


class AuthType(IntEnum):
    """Authentication types of IPMI 1.5 (table 13-8)."""

    NONE = 0
    MD2 = 1
    MD5 = 2
    PASSWORD = 4
    OEM = 5


class Payload(IntEnum):
    """Payload types of RMCP+ (table 13-16)."""

    IPMI = 0x00
    SOL = 0x01
    OPEN_SESSION_REQUEST = 0x10
    OPEN_SESSION_RESPONSE = 0x11
    RAKP_1 = 0x12
    RAKP_2 = 0x13
    RAKP_3 = 0x14
    RAKP_4 = 0x15


PAYLOADS = {payload.value: payload for payload in Payload}


class Packet15(NamedTuple):
    """An IPMI 1.5 packet. `auth_code` is empty with AuthType.NONE, else 16 octets."""

    auth_type: AuthType
    sequence: int
    session_id: int
    auth_code: bytes
    message: bytes
    message_offset: int = 0


class PacketPlus(NamedTuple):
    """An RMCP+ packet as it is on the wire: `payload` is still encrypted when `encrypted`."""

    payload_type: Payload
    encrypted: bool
    authenticated: bool
    session_id: int
    sequence: int
    payload: bytes
    payload_offset: int = 0


def decode(data: bytes) -> Packet15 | PacketPlus:
    """Read a datagram of RMCP class IPMI. Raises WireError. Authentication codes are not checked here."""
    if len(data) < 5:
        raise WireError(len(data), "the session header is missing")
    return _decode_plus(data) if data[4] & 0x0F == RMCP_PLUS else _decode_15(data)


def _decode_15(data: bytes) -> Packet15:
    if data[4] not in (0, 1, 2, 4, 5):
        raise WireError(4, "the authentication type is none of IPMI 2.0 table 13-8")
    auth_type = AuthType(data[4])
    start = 13 if auth_type is AuthType.NONE else 29
    if len(data) <= start:
        raise WireError(len(data), "the IPMI 1.5 session header is cut off")
    length = data[start]
    end = start + 1 + length
    if len(data) != end + (end in LEGACY_PAD_LENGTHS) and len(data) != end:
        raise WireError(start, "the message length disagrees with the datagram")
    return Packet15(
        auth_type,
        int.from_bytes(data[5:9], "little"),
        int.from_bytes(data[9:13], "little"),
        data[13:start],
        data[start + 1 : end],
        start + 1,
    )


def _decode_plus(data: bytes) -> PacketPlus:
    if len(data) < 16:
        raise WireError(len(data), "the RMCP+ session header is cut off")
    _, _, flags, session_id, sequence, length = HEAD_PLUS.unpack_from(data)
    payload_type = PAYLOADS.get(flags & 0x3F)
    if payload_type is None:
        raise WireError(5, f"payload type {flags & 0x3F:02x}h is not supported")
    if 16 + length > len(data):
        raise WireError(14, "the payload is longer than the datagram")
    authenticated = bool(flags & 0x40)
    if not authenticated and len(data) != 16 + length:
        raise WireError(16 + length, "octets follow the payload of an unauthenticated packet")
    payload = data[16 : 16 + length]
    return PacketPlus(payload_type, flags > 0x7F, authenticated, session_id, sequence, payload, 16)


def trailer(data: bytes, payload_length: int, code_length: int) -> tuple[bytes, bytes]:
    """Return the octets that the authentication code of an RMCP+ packet covers, and the code. Raises WireError.

    The code covers everything from the authentication type through next-header (section 13.28.4).
    """
    end = len(data) - code_length
    body_end = 16 + payload_length
    if end < body_end + 2:
        raise WireError(len(data), "the integrity trailer is cut off")
    if data[end - 1] != NEXT_HEADER:
        raise WireError(end - 1, "next-header is 07h")
    if data[end - 2] != end - 2 - body_end:
        raise WireError(end - 2, "the pad length disagrees with the packet")
    return data[4:end], data[end:]


def encode_15(packet: Packet15) -> bytes:
    """The datagram."""
    body = (
        bytes((packet.auth_type,))
        + packet.sequence.to_bytes(4, "little")
        + packet.session_id.to_bytes(4, "little")
        + packet.auth_code
        + bytes((len(packet.message),))
        + packet.message
    )
    pad = b"\0" if len(body) + rmcp.HEADER_LENGTH in LEGACY_PAD_LENGTHS else b""
    return rmcp.encode(rmcp.RmcpClass.IPMI, body + pad)


def encode_plus(packet: PacketPlus) -> bytes:
    """The datagram up to the end of the payload; `pad` and the code follow when authenticated."""
    kind, encrypted, authenticated, session_id, sequence, payload, _ = packet
    flags = kind | encrypted << 7 | authenticated << 6
    return HEAD_PLUS.pack(rmcp.IPMI_HEADER, RMCP_PLUS, flags, session_id, sequence, len(payload)) + payload


def plain_plus(kind: Payload, payload: bytes) -> bytes:
    """The datagram outside sessions, neither encrypted nor authenticated."""
    return HEAD_PLUS.pack(rmcp.IPMI_HEADER, RMCP_PLUS, kind, 0, 0, len(payload)) + payload


def opening(kind: Payload) -> bytes:
    """Return the head of a datagram outside sessions, up to the length of its payload."""
    return HEAD_PLUS.pack(rmcp.IPMI_HEADER, RMCP_PLUS, kind, 0, 0, 0)[:-2]
