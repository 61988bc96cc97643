"""RMCP headers and ASF presence ping (ASF 2.0 section 3.2; IPMI 2.0 section 13.1)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ridethrough.wire.errors import WireError

VERSION = 0x06
NO_ACK = 0xFF  # IPMI never asks for an RMCP acknowledge
ASF_IANA = 4542
PRESENCE_PING = 0x80
PRESENCE_PONG = 0x40
ENTITIES_IPMI = 0x81  # IPMI supported, ASF 1.0
HEADER_LENGTH = 4


class RmcpClass(IntEnum):
    """Message classes of the RMCP header."""

    ASF = 0x06
    IPMI = 0x07
    OEM = 0x08


IPMI_HEADER = bytes((VERSION, 0, NO_ACK, RmcpClass.IPMI))
CLASSES = {each.value: each for each in (RmcpClass.ASF, RmcpClass.IPMI)}


class Rmcp(NamedTuple):
    """The header; the body begins at octet 4."""

    sequence: int
    rmcp_class: RmcpClass


class Ping(NamedTuple):
    """ASF presence ping."""

    tag: int


class Pong(NamedTuple):
    """ASF presence pong."""

    tag: int
    ipmi: bool


def decode(data: bytes) -> Rmcp:
    """Read the header. Raises WireError for other versions and classes, and for acknowledges."""
    if len(data) < HEADER_LENGTH:
        raise WireError(len(data), "an RMCP header has 4 octets")
    if data[0] != VERSION:
        raise WireError(0, "the RMCP version is 06h")
    rmcp_class = CLASSES.get(data[3])
    if rmcp_class is None:
        raise WireError(3, "the RMCP class is neither ASF (06h) nor IPMI (07h)")
    return Rmcp(data[2], rmcp_class)


def encode(rmcp_class: RmcpClass, body: bytes) -> bytes:
    """Header and body."""
    return bytes((VERSION, 0, NO_ACK, rmcp_class)) + body


def decode_asf(data: bytes) -> Ping | Pong:
    """Read a whole ASF datagram. Raises WireError for types other than ping and pong."""
    if len(data) < 12:
        raise WireError(len(data), "an ASF message has at least 8 octets after the RMCP header")
    if int.from_bytes(data[4:8], "big") != ASF_IANA:
        raise WireError(4, "the enterprise number of ASF is 4542")
    kind, tag, length = data[8], data[9], data[11]
    if len(data) < 12 + length:
        raise WireError(11, "the ASF data is shorter than its length field")
    if kind == PRESENCE_PING:
        return Ping(tag)
    if kind == PRESENCE_PONG and length == 16:
        return Pong(tag, bool(data[20] & 0x80))
    raise WireError(8, "the ASF message is neither presence ping nor presence pong")


def encode_ping(tag: int) -> bytes:
    """A presence ping datagram."""
    return encode(RmcpClass.ASF, ASF_IANA.to_bytes(4, "big") + bytes((PRESENCE_PING, tag, 0, 0)))


def encode_pong(tag: int) -> bytes:
    """A presence pong of a BMC that speaks IPMI (ASF 2.0 section 3.2.4.3)."""
    oem = ASF_IANA.to_bytes(4, "big") + bytes(4)
    data = oem + bytes((ENTITIES_IPMI, 0)) + bytes(6)
    return encode(RmcpClass.ASF, ASF_IANA.to_bytes(4, "big") + bytes((PRESENCE_PONG, tag, 0, len(data))) + data)
