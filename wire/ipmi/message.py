"""IPMI messages as a LAN carries them (IPMI 2.0 section 13.8)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ridethrough.wire.errors import WireError

BMC_ADDRESS = 0x20
REMOTE_CONSOLE = 0x81


class NetFn(IntEnum):
    """Network functions of requests (IPMI 2.0 table 5-1)."""

    CHASSIS = 0x00
    SENSOR_EVENT = 0x04
    APP = 0x06
    STORAGE = 0x0A
    TRANSPORT = 0x0C
    GROUP = 0x2C
    OEM = 0x2E


class Privilege(IntEnum):
    """Privilege levels (IPMI 2.0 table 22-28); NONE marks commands allowed outside sessions."""

    NONE = 0
    CALLBACK = 1
    USER = 2
    OPERATOR = 3
    ADMINISTRATOR = 4


class Completion(IntEnum):
    """Generic completion codes (IPMI 2.0 table 5-2)."""

    OK = 0x00
    NODE_BUSY = 0xC0
    INVALID_COMMAND = 0xC1
    INVALID_FOR_LUN = 0xC2
    TIMEOUT = 0xC3
    OUT_OF_SPACE = 0xC4
    RESERVATION_CANCELED = 0xC5
    REQUEST_TRUNCATED = 0xC6
    LENGTH_INVALID = 0xC7
    LENGTH_LIMIT = 0xC8
    OUT_OF_RANGE = 0xC9
    CANNOT_RETURN = 0xCA
    NOT_PRESENT = 0xCB
    INVALID_FIELD = 0xCC
    ILLEGAL_FOR_SENSOR = 0xCD
    DESTINATION_UNAVAILABLE = 0xD3
    INSUFFICIENT_PRIVILEGE = 0xD4
    NOT_SUPPORTED_IN_STATE = 0xD5
    SUBFUNCTION_DISABLED = 0xD6
    UNSPECIFIED = 0xFF


class IpmiRequest(NamedTuple):
    """A request: `netfn` is even, `data` follows the command octet."""

    netfn: int
    command: int
    data: bytes = b""
    rq_seq: int = 0
    rq_addr: int = REMOTE_CONSOLE
    rs_lun: int = 0
    rq_lun: int = 0


class IpmiResponse(NamedTuple):
    """A response: `netfn` is odd, `data` follows the completion code."""

    netfn: int
    command: int
    completion: int
    data: bytes = b""
    rq_seq: int = 0
    rq_addr: int = REMOTE_CONSOLE


def checksum(octets: bytes) -> int:
    """Two's complement of the sum (section 13.8)."""
    return -sum(octets) & 0xFF


def decode_request(data: bytes, offset: int = 0) -> IpmiRequest:
    """Read a request. `offset` is where `data` begins in its datagram, for messages. Raises WireError."""
    _check(data, offset, 7)
    if data[0] != BMC_ADDRESS:
        raise WireError(offset, "the responder of a request over LAN is the BMC (20h)")
    netfn = data[1] >> 2
    if netfn & 1:
        raise WireError(offset + 1, "a request has an even network function")
    return IpmiRequest(netfn, data[5], data[6:-1], data[4] >> 2, data[3], data[1] & 3, data[4] & 3)


def decode_response(data: bytes, offset: int = 0) -> IpmiResponse:
    """Read a response. Raises WireError."""
    _check(data, offset, 8)
    netfn = data[1] >> 2
    if not netfn & 1:
        raise WireError(offset + 1, "a response has an odd network function")
    return IpmiResponse(netfn, data[5], data[6], data[7:-1], data[4] >> 2, data[0])


def _check(data: bytes, offset: int, shortest: int) -> None:
    if len(data) < shortest:
        raise WireError(offset + len(data), f"an IPMI message of this kind has at least {shortest} octets")
    if sum(data[:3]) & 0xFF:
        raise WireError(offset + 2, "the first checksum is wrong")
    if sum(data[3:]) & 0xFF:
        raise WireError(offset + len(data) - 1, "the second checksum is wrong")


def encode_request(request: IpmiRequest) -> bytes:
    """The octets of a request to the BMC."""
    head = bytes((BMC_ADDRESS, request.netfn << 2 | request.rs_lun))
    tail = bytes((request.rq_addr, request.rq_seq << 2 | request.rq_lun, request.command)) + request.data
    return head + bytes((checksum(head),)) + tail + bytes((checksum(tail),))


def encode_response(request: IpmiRequest, completion: int, data: bytes = b"") -> bytes:
    """The octets of the answer to `request`."""
    netfn, command, _, rq_seq, rq_addr, rs_lun, rq_lun = request
    function, sequence = (netfn | 1) << 2 | rq_lun, rq_seq << 2 | rs_lun
    first = -(rq_addr + function) & 0xFF
    second = -(BMC_ADDRESS + sequence + command + completion + sum(data)) & 0xFF
    head = bytes((rq_addr, function, first, BMC_ADDRESS, sequence, command, completion))
    return head + data + bytes((second,))
