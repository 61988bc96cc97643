"""A key that notifications which differ in their time only have in common, found without decoding the rest."""

from __future__ import annotations

from typing import Final

from ridethrough.wire import ber
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Tag
from ridethrough.wire.snmp.convert import SYS_UP_TIME

LONGEST: Final = 512
TRAP_V1: Final = int(Kind.TRAP_V1)
TRAP_V2: Final = int(Kind.TRAP_V2)
INFORM: Final = int(Kind.INFORM)
IP_ADDRESS: Final = int(Tag.IP_ADDRESS)
TIME_TICKS: Final = int(Tag.TIME_TICKS)
UPTIME: Final = ber.encode_oid(SYS_UP_TIME)
NO_ERROR: Final = b"\x02\x01\x00\x02\x01\x00"


def time_free_key(data: bytes) -> tuple[bytes, int] | None:
    """Return a notification of version 1 or 2c without its time and request-id, and that time in 1/100 s.

    Two datagrams of which all this is the same say the same, if one of them can be read at all and has its time once.
    None for what is long, out of the ordinary or unreadable.
    """
    if len(data) > LONGEST:
        return None
    try:
        begin, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
        _, at = ber.expect(data, begin, end, ber.INTEGER)
        _, at = ber.expect(data, at, end, ber.OCTET_STRING)
        tag, start, stop = ber.read_header(data, at, end)
        if end != len(data) or stop != end:
            return None
        if tag == TRAP_V1:
            return _of_trap_v1(data, begin, start, end)
        return _of_version_2(data, begin, start, end) if tag in (TRAP_V2, INFORM) else None
    except WireError:
        return None


def _of_trap_v1(data: bytes, begin: int, at: int, end: int) -> tuple[bytes, int]:
    _, at = ber.expect(data, at, end, ber.OBJECT_IDENTIFIER)
    _, at = ber.expect(data, at, end, IP_ADDRESS)
    _, at = ber.integer(data, at, end)
    _, at = ber.integer(data, at, end)
    start, stop = ber.expect(data, at, end, TIME_TICKS)
    return data[begin:at] + data[stop:end], ber.unsigned(data, start, stop)


def _of_version_2(data: bytes, begin: int, at: int, end: int) -> tuple[bytes, int] | None:
    """The key of a trap or inform of version 2c; sysUpTime.0 must come first (RFC 3416 section 4.2.6)."""
    head = data[begin:at]
    _, at = ber.integer(data, at, end)
    if data[at : at + len(NO_ERROR)] != NO_ERROR:
        return None
    errors = at
    start, stop = ber.expect(data, at + len(NO_ERROR), end, ber.SEQUENCE)
    if stop != end:
        return None
    start, stop = ber.expect(data, start, end, ber.SEQUENCE)
    if data[start : start + len(UPTIME)] != UPTIME:
        return None
    at = start + len(UPTIME)
    start, after = ber.expect(data, at, stop, TIME_TICKS)
    if after != stop:
        return None
    return head + data[errors:at] + data[stop:end], ber.unsigned(data, start, stop)
