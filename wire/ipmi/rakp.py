"""Payloads of RMCP+ session set-up (IPMI 2.0 sections 13.17 to 13.23)."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from wire.errors import WireError


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


class OpenRequest(NamedTuple):
    """RMCP+ Open Session Request. An algorithm of None means that the BMC may choose."""

    tag: int
    max_privilege: int
    console_sid: int
    authentication: int | None
    integrity: int | None
    confidentiality: int | None


class OpenResponse(NamedTuple):
    """RMCP+ Open Session Response; all after `console_sid` is meaningful only with Status.OK."""

    tag: int
    status: int
    max_privilege: int
    console_sid: int
    bmc_sid: int = 0
    authentication: int = 0
    integrity: int = 0
    confidentiality: int = 0


class Rakp1(NamedTuple):
    tag: int
    bmc_sid: int
    console_random: bytes
    role: int
    user: bytes


class Rakp2(NamedTuple):
    tag: int
    status: int
    console_sid: int
    bmc_random: bytes = b""
    guid: bytes = b""
    code: bytes = b""


class Rakp3(NamedTuple):
    tag: int
    status: int
    bmc_sid: int
    code: bytes = b""


class Rakp4(NamedTuple):
    tag: int
    status: int
    console_sid: int
    icv: bytes = b""


def _need(data: bytes, length: int, name: str) -> None:
    if len(data) < length:
        raise WireError(16 + len(data), f"{name} has at least {length} octets")


def _sid(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


@lru_cache
def _encoded(chosen: tuple[int | None, ...]) -> bytes:
    """The algorithm payloads (table 13-17); None leaves the choice to the BMC."""
    rows = ((number, 0, 0, 0 if value is None else 8, value or 0, 0, 0, 0) for number, value in enumerate(chosen))
    return bytes(octet for row in rows for octet in row)


@lru_cache
def _proposed(data: bytes, at: int) -> tuple[int | None, ...]:
    if data[0] != 0 or data[8] != 1 or data[16] != 2:
        wrong = next(8 * number for number in range(3) if data[8 * number] != number)
        raise WireError(16 + at + wrong, "the algorithm payloads come in the order 00h, 01h, 02h")
    return tuple(data[row + 4] & 0x3F if data[row + 3] else None for row in (0, 8, 16))  # length 0: "BMC picks"


def decode_open_request(data: bytes) -> OpenRequest:
    """Section 13.17. Raises WireError."""
    _need(data, 32, "Open Session Request")
    return OpenRequest(data[0], data[1] & 0x0F, _sid(data, 4), *_proposed(data[8:32], 8))


def encode_open_request(tag: int, max_privilege: int, console_sid: int, *algorithms: int | None) -> bytes:
    """Fields in the order of OpenRequest."""
    return bytes((tag, max_privilege, 0, 0)) + console_sid.to_bytes(4, "little") + _encoded(algorithms)


def decode_open_response(data: bytes) -> OpenResponse:
    """Section 13.18. Raises WireError."""
    _need(data, 8, "Open Session Response")
    if data[1] != Status.OK:
        return OpenResponse(data[0], data[1], data[2] & 0x0F, _sid(data, 4))
    _need(data, 36, "Open Session Response")
    chosen = [value or 0 for value in _proposed(data[12:36], 12)]
    return OpenResponse(data[0], data[1], data[2] & 0x0F, _sid(data, 4), _sid(data, 8), *chosen)


def encode_open_response(
    tag: int, status: int, max_privilege: int, console_sid: int, bmc_sid: int = 0, algorithms: tuple[int, ...] = ()
) -> bytes:
    """Fields in the order of OpenResponse; what follows `console_sid` is there with Status.OK only."""
    head = bytes((tag, status, max_privilege, 0)) + console_sid.to_bytes(4, "little")
    return head if status else head + bmc_sid.to_bytes(4, "little") + _encoded(algorithms)


def decode_rakp1(data: bytes) -> Rakp1:
    """Section 13.20. Raises WireError; a name longer than 16 octets is returned for a status to refuse it."""
    _need(data, 28, "RAKP message 1")
    _need(data, 28 + data[27], "RAKP message 1 with its user name")
    return Rakp1(data[0], _sid(data, 4), data[8:24], data[24], data[28 : 28 + data[27]])


def encode_rakp1(tag: int, bmc_sid: int, console_random: bytes, role: int, user: bytes) -> bytes:
    """Fields in the order of Rakp1."""
    head = bytes((tag, 0, 0, 0)) + bmc_sid.to_bytes(4, "little")
    return head + console_random + bytes((role, 0, 0, len(user))) + user


def decode_rakp2(data: bytes) -> Rakp2:
    """Section 13.21. Raises WireError."""
    _need(data, 8, "RAKP message 2")
    if data[1] != Status.OK:
        return Rakp2(data[0], data[1], _sid(data, 4))
    _need(data, 40, "RAKP message 2")
    return Rakp2(data[0], data[1], _sid(data, 4), data[8:24], data[24:40], data[40:])


def encode_rakp2(
    tag: int, status: int, console_sid: int, bmc_random: bytes = b"", guid: bytes = b"", code: bytes = b""
) -> bytes:
    """Fields in the order of Rakp2."""
    return bytes((tag, status, 0, 0)) + console_sid.to_bytes(4, "little") + bmc_random + guid + code


def decode_rakp3(data: bytes) -> Rakp3:
    """Section 13.22. Raises WireError."""
    _need(data, 8, "RAKP message 3")
    return Rakp3(data[0], data[1], _sid(data, 4), data[8:])


def encode_rakp3(tag: int, status: int, bmc_sid: int, code: bytes = b"") -> bytes:
    """Fields in the order of Rakp3."""
    return bytes((tag, status, 0, 0)) + bmc_sid.to_bytes(4, "little") + code


def decode_rakp4(data: bytes) -> Rakp4:
    """Section 13.23. Raises WireError."""
    _need(data, 8, "RAKP message 4")
    return Rakp4(data[0], data[1], _sid(data, 4), data[8:])


def encode_rakp4(tag: int, status: int, console_sid: int, icv: bytes = b"") -> bytes:
    """Fields in the order of Rakp4."""
    return bytes((tag, status, 0, 0)) + console_sid.to_bytes(4, "little") + icv
