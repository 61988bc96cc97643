"""Payloads of RMCP+ session set-up (IPMI 2.0 sections 13.17 to 13.23): tuples of their fields."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from struct import Struct

from ridethrough.wire.errors import WireError


class Status(IntEnum):
    """RMCP+ status codes (table 13-15)."""

    OK = 0x00
    NO_RESOURCES = 0x01
    INVALID_SESSION_ID = 0x02
    INVALID_PAYLOAD_TYPE = 0x03
    INVALID_AUTHENTICATION = 0x04
    INVALID_INTEGRITY = 0x05
    NO_AUTHENTICATION_PAYLOAD = 0x06
    NO_INTEGRITY_PAYLOAD = 0x07
    INACTIVE_SESSION_ID = 0x08
    INVALID_ROLE = 0x09
    UNAUTHORIZED_ROLE = 0x0A
    NO_RESOURCES_FOR_ROLE = 0x0B
    INVALID_NAME_LENGTH = 0x0C
    UNAUTHORIZED_NAME = 0x0D
    UNAUTHORIZED_GUID = 0x0E
    INVALID_INTEGRITY_CHECK = 0x0F
    INVALID_CONFIDENTIALITY = 0x10
    NO_CIPHER_SUITE_MATCH = 0x11
    ILLEGAL_PARAMETER = 0x12


Algorithms = tuple[int | None, int | None, int | None]
"""Authentication, integrity, confidentiality; None leaves the choice to the BMC."""

OpenRequest = tuple[int, int, int, Algorithms]
"""Tag, highest privilege (0: what the BMC gives), the console's session, algorithms proposed."""

OpenResponse = tuple[int, int, int, int, int, Algorithms]
"""Tag, status, highest privilege, the console's session, the BMC's session, algorithms chosen.

The last two have a meaning with Status.OK only.
"""

Rakp1 = tuple[int, int, bytes, int, bytes]
"""Tag, the BMC's session, the console's random number, role (as received), user name."""

Rakp2 = tuple[int, int, int, bytes, bytes, bytes]
"""Tag, status, the console's session, the BMC's random number, GUID, key exchange code; empty without Status.OK."""

Rakp3 = tuple[int, int, int, bytes]
"""Tag, status, the BMC's session, key exchange code."""

Rakp4 = tuple[int, int, int, bytes]
"""Tag, status, the console's session, integrity check value."""

NO_ALGORITHMS: Algorithms = (None, None, None)
HEAD = Struct("<BBxxI")
"""Tag, status or privilege, session of the receiver: all but the answer to Open Session begin with these."""

RAKP_1 = Struct("<BxxxI16sBxxB")
"""Tag, session, random number, role, length of the user name (table 13-11)."""


def _need(data: bytes, length: int, name: str) -> None:
    if len(data) < length:
        raise WireError(16 + len(data), f"{name} has at least {length} octets")


@lru_cache
def _encoded(chosen: Algorithms) -> bytes:
    """The algorithm payloads (table 13-17)."""
    rows = ((number, 0, 0, 0 if value is None else 8, value or 0, 0, 0, 0) for number, value in enumerate(chosen))
    return bytes(octet for row in rows for octet in row)


@lru_cache
def _proposed(data: bytes, at: int) -> Algorithms:
    if data[0] != 0 or data[8] != 1 or data[16] != 2:
        wrong = next(8 * number for number in range(3) if data[8 * number] != number)
        raise WireError(16 + at + wrong, "the algorithm payloads come in the order 00h, 01h, 02h")
    return _algorithm(data, 0), _algorithm(data, 8), _algorithm(data, 16)


def _algorithm(data: bytes, row: int) -> int | None:
    return data[row + 4] & 0x3F if data[row + 3] else None  # length 0: "BMC picks"


def decode_open_request(data: bytes) -> OpenRequest:
    """Section 13.17. Raises WireError."""
    _need(data, 32, "Open Session Request")
    tag, privilege, session = HEAD.unpack_from(data)
    return tag, privilege & 0x0F, session, _proposed(data[8:32], 8)


def encode_open_request(tag: int, max_privilege: int, console_sid: int, algorithms: Algorithms) -> bytes:
    """Fields in the order of OpenRequest."""
    return HEAD.pack(tag, max_privilege, console_sid) + _encoded(algorithms)


def decode_open_response(data: bytes) -> OpenResponse:
    """Section 13.18. Raises WireError."""
    _need(data, 8, "Open Session Response")
    tag, status, console_sid = HEAD.unpack_from(data)
    if status != Status.OK:
        return tag, status, data[2] & 0x0F, console_sid, 0, NO_ALGORITHMS
    _need(data, 36, "Open Session Response")
    bmc_sid = int.from_bytes(data[8:12], "little")
    return tag, status, data[2] & 0x0F, console_sid, bmc_sid, _proposed(data[12:36], 12)


def encode_open_response(
    tag: int, status: int, max_privilege: int, console_sid: int, bmc_sid: int, algorithms: Algorithms
) -> bytes:
    """Fields in the order of OpenResponse."""
    head = bytes((tag, status, max_privilege, 0)) + console_sid.to_bytes(4, "little")
    return head if status else head + bmc_sid.to_bytes(4, "little") + _encoded(algorithms)


def decode_rakp1(data: bytes) -> Rakp1:
    """Section 13.20. Raises WireError; a name longer than 16 octets is returned for a status to refuse it."""
    _need(data, RAKP_1.size, "RAKP message 1")
    tag, session, random, role, length = RAKP_1.unpack_from(data)
    _need(data, RAKP_1.size + length, "RAKP message 1 with its user name")
    return tag, session, random, role, data[RAKP_1.size : RAKP_1.size + length]


def encode_rakp1(tag: int, bmc_sid: int, console_random: bytes, role: int, user: bytes) -> bytes:
    """Fields in the order of Rakp1."""
    return RAKP_1.pack(tag, bmc_sid, console_random, role, len(user)) + user


def decode_rakp2(data: bytes) -> Rakp2:
    """Section 13.21. Raises WireError."""
    _need(data, 8, "RAKP message 2")
    tag, status, session = HEAD.unpack_from(data)
    if status != Status.OK:
        return tag, status, session, b"", b"", b""
    _need(data, 40, "RAKP message 2")
    return tag, status, session, data[8:24], data[24:40], data[40:]


def encode_rakp2(
    tag: int, status: int, console_sid: int, bmc_random: bytes = b"", guid: bytes = b"", code: bytes = b""
) -> bytes:
    """Fields in the order of Rakp2."""
    return HEAD.pack(tag, status, console_sid) + bmc_random + guid + code


def decode_rakp3(data: bytes) -> Rakp3:
    """Section 13.22. Raises WireError."""
    _need(data, 8, "RAKP message 3")
    tag, status, session = HEAD.unpack_from(data)
    return tag, status, session, data[8:]


def encode_rakp3(tag: int, status: int, bmc_sid: int, code: bytes = b"") -> bytes:
    """Fields in the order of Rakp3."""
    return HEAD.pack(tag, status, bmc_sid) + code


def decode_rakp4(data: bytes) -> Rakp4:
    """Section 13.23. Raises WireError."""
    _need(data, 8, "RAKP message 4")
    tag, status, session = HEAD.unpack_from(data)
    return tag, status, session, data[8:]


def encode_rakp4(tag: int, status: int, console_sid: int, icv: bytes = b"") -> bytes:
    """Fields in the order of Rakp4."""
    return HEAD.pack(tag, status, console_sid) + icv
