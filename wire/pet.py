"""Platform Event Trap octets (PET format 1.0; IPMI 2.0 section 17.16). All numbers are big-endian here."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError

ENTERPRISE = Oid.parse("1.3.6.1.4.1.3183.1.1")
DATA_NAME = ENTERPRISE.child(1)
EPOCH_1998_S = 883_612_800  # seconds from 1970 to 1998
SHORTEST = 47
LONGEST = 110
UNSPECIFIED_UTC_OFFSET = 0xFFFF
NO_MORE_FIELDS = 0xC1


class Pet(NamedTuple):
    """One event.

    `guid` in RFC 4122 order, `timestamp` in seconds since 1998 (0 unspecified), `utc_offset` in minutes.
    """

    guid: bytes
    sequence: int
    timestamp: int
    utc_offset: int
    trap_source: int
    event_source: int
    severity: int
    sensor_device: int
    sensor_number: int
    entity_id: int
    entity_instance: int
    event_data: bytes  # 8 octets
    language: int
    manufacturer_id: int
    system_id: int
    oem: bytes = b""  # custom fields before the C1h that ends them


class Specific(NamedTuple):
    """The event that a specific-trap number stands for."""

    sensor_type: int
    event_type: int
    deasserted: bool
    offset: int


def encode(event: Pet) -> bytes:
    """47 to 110 octets. Raises ValueError when the OEM fields are too long."""
    octets = (
        event.guid
        + event.sequence.to_bytes(2, "big")
        + event.timestamp.to_bytes(4, "big")
        + (event.utc_offset & 0xFFFF).to_bytes(2, "big")
        + bytes((event.trap_source, event.event_source, event.severity, event.sensor_device, event.sensor_number))
        + bytes((event.entity_id, event.entity_instance))
        + event.event_data
        + bytes((event.language,))
        + event.manufacturer_id.to_bytes(4, "big")
        + event.system_id.to_bytes(2, "big")
        + event.oem
        + bytes((NO_MORE_FIELDS,))
    )
    if len(octets) > LONGEST:
        raise ValueError(f"a PET has at most {LONGEST} octets, this one {len(octets)}")
    return octets


def decode(data: bytes) -> Pet:
    """Read the octet string. Raises WireError; a missing C1h at the end is forgiven, as some BMCs leave it out."""
    if not SHORTEST - 1 <= len(data) <= LONGEST:
        raise WireError(len(data), f"a PET has {SHORTEST} to {LONGEST} octets")
    offset = int.from_bytes(data[22:24], "big")
    return Pet(
        guid=data[:16],
        sequence=int.from_bytes(data[16:18], "big"),
        timestamp=int.from_bytes(data[18:22], "big"),
        utc_offset=offset if offset == UNSPECIFIED_UTC_OFFSET or offset < 0x8000 else offset - 0x10000,
        trap_source=data[24],
        event_source=data[25],
        severity=data[26],
        sensor_device=data[27],
        sensor_number=data[28],
        entity_id=data[29],
        entity_instance=data[30],
        event_data=data[31:39],
        language=data[39],
        manufacturer_id=int.from_bytes(data[40:44], "big"),
        system_id=int.from_bytes(data[44:46], "big"),
        oem=data[46:].removesuffix(bytes((NO_MORE_FIELDS,))),
    )


def encode_specific(specific: Specific) -> int:
    """The specific-trap number."""
    direction = 0x80 if specific.deasserted else 0
    return specific.sensor_type << 16 | specific.event_type << 8 | direction | specific.offset


def decode_specific(number: int) -> Specific | None:
    """The fields of a specific-trap number; None for numbers that name no event, such as test traps."""
    if not 0 < number < 1 << 24 or number & 0x70 or not number >> 16 or not number >> 8 & 0xFF:
        return None
    return Specific(number >> 16, number >> 8 & 0xFF, bool(number & 0x80), number & 0x0F)


def acknowledge(event: Pet) -> bytes:
    """Request data of PET Acknowledge (IPMI 2.0 section 30.8): the trap's numbers, least significant octet first."""
    return (
        event.sequence.to_bytes(2, "little")
        + event.timestamp.to_bytes(4, "little")
        + bytes((event.event_source, event.sensor_device, event.sensor_number))
        + event.event_data[:3]
    )
