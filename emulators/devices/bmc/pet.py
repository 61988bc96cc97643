"""Platform event traps: an event as its receivers read it (PET format 1.0; IPMI 2.0 section 17.16)."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.emulators.devices.bmc.pef import PlatformEvent
from ridethrough.emulators.kernel.instant import Instant, ticks_between
from ridethrough.wire import pet
from ridethrough.wire.ipmi.message import BMC_ADDRESS
from ridethrough.wire.sdr import Sensor
from ridethrough.wire.snmp import GenericTrap, Tag, TrapV1, VarBind

ENGLISH = 0x19
IPMI_SOURCE = 0x20


class PetSource(NamedTuple):
    """The sender of a trap: GUID, maker and product, IPv4 address, and the start of its present life."""

    guid: bytes
    manufacturer: int
    product: int
    address: str
    started: Instant


def build_pet(
    source: PetSource,
    event: PlatformEvent,
    sensor: Sensor | None,
    severity: int,
    number: int,
    clock_s: int,
    now: Instant,
    *,
    deasserted: bool,
) -> tuple[pet.Pet, TrapV1]:
    """The event as its receivers read it, and the version 1 trap around it.

    `sensor` is the one that the event names, None where the controller has no such sensor; `number` is the sequence
    number of the event, and `clock_s` Unix time by the controller's own clock.
    """
    content = pet.Pet(
        guid=source.guid,
        sequence=number,
        timestamp=max(0, clock_s - pet.EPOCH_1998_S),
        utc_offset=0,
        trap_source=IPMI_SOURCE,
        event_source=IPMI_SOURCE,
        severity=severity,
        sensor_device=BMC_ADDRESS,
        sensor_number=event.sensor_number,
        entity_id=sensor.entity_id if sensor else 0,
        entity_instance=sensor.entity_instance if sensor else 0,
        event_data=bytes(event.event_data) + bytes(5),
        language=ENGLISH,
        manufacturer_id=source.manufacturer,
        system_id=source.product,
    )
    specific = pet.Specific(event.sensor_type, event.event_type, deasserted, event.event_data[0] & 0x0F)
    trap = TrapV1(
        pet.ENTERPRISE,
        bytes(int(part) for part in source.address.split(".")),
        GenericTrap.ENTERPRISE_SPECIFIC,
        pet.encode_specific(specific),
        ticks_between(source.started, now) % (1 << 32),
        (VarBind(pet.DATA_NAME, Tag.OCTET_STRING, pet.encode(content)),),
    )
    return content, trap
