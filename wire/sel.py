"""System event log records (IPMI 2.0 section 32.1)."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.wire.errors import WireError

SYSTEM_EVENT = 0x02
EVENT_MESSAGE_REVISION = 0x04
TIMED_OEM, UNTIMED_OEM = 0xC0, 0xE0  # first types of records of the maker's own


class SelRecord(NamedTuple):
    """A record of type 02h. `timestamp` in seconds since 1970."""

    record_id: int
    timestamp: int
    generator_id: int
    sensor_type: int
    sensor_number: int
    deasserted: bool
    event_type: int
    event_data: bytes  # 3 octets


class OemRecord(NamedTuple):
    """A record of a maker's own: type C0h to DFh with `timestamp` and 9 octets, E0h to FFh with 13 and no time."""

    record_id: int
    kind: int
    timestamp: int | None
    data: bytes


def timestamped(kind: int) -> bool:
    """Return whether an OEM record of this type has a time (section 32.2)."""
    return TIMED_OEM <= kind < UNTIMED_OEM


def encode_any(record: SelRecord | OemRecord) -> bytes:
    """16 octets."""
    if isinstance(record, SelRecord):
        return encode(record)
    time = b"" if record.timestamp is None else record.timestamp.to_bytes(4, "little")
    return record.record_id.to_bytes(2, "little") + bytes((record.kind,)) + time + record.data


def decode_any(data: bytes) -> SelRecord | OemRecord:
    """Read a record of any type. Raises WireError."""
    if len(data) != 16 or data[2] < TIMED_OEM:
        return decode(data)
    record_id = int.from_bytes(data[0:2], "little")
    if timestamped(data[2]):
        return OemRecord(record_id, data[2], int.from_bytes(data[3:7], "little"), data[7:])
    return OemRecord(record_id, data[2], None, data[3:])


def encode(record: SelRecord) -> bytes:
    """16 octets."""
    return (
        record.record_id.to_bytes(2, "little")
        + bytes((SYSTEM_EVENT,))
        + record.timestamp.to_bytes(4, "little")
        + record.generator_id.to_bytes(2, "little")
        + bytes((EVENT_MESSAGE_REVISION, record.sensor_type, record.sensor_number))
        + bytes((record.deasserted << 7 | record.event_type,))
        + record.event_data
    )


def decode(data: bytes) -> SelRecord:
    """Read a record of type 02h. Raises WireError."""
    if len(data) != 16:
        raise WireError(len(data), "a SEL record has 16 octets")
    if data[2] != SYSTEM_EVENT:
        raise WireError(2, "the record is no system event (02h)")
    return SelRecord(
        record_id=int.from_bytes(data[0:2], "little"),
        timestamp=int.from_bytes(data[3:7], "little"),
        generator_id=int.from_bytes(data[7:9], "little"),
        sensor_type=data[10],
        sensor_number=data[11],
        deasserted=bool(data[12] & 0x80),
        event_type=data[12] & 0x7F,
        event_data=data[13:16],
    )
