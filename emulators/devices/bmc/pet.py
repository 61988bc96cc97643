"""The trap that tells an event (PET format 1.0; IPMI 2.0 section 17.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridethrough.emulators.devices.bmc.pef import Event
from ridethrough.emulators.kernel.instant import Instant, ticks_between
from ridethrough.wire import pet
from ridethrough.wire.ipmi.message import BMC_ADDRESS
from ridethrough.wire.snmp import GenericTrap, Tag, TrapV1, VarBind

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc

ENGLISH = 0x19
IPMI_SOURCE = 0x20
USE_OWN_GUID = 0x01


def composed(
    bmc: Bmc, event: Event, severity: int, number: int, now: Instant, *, deasserted: bool
) -> tuple[pet.Pet, TrapV1]:
    """The event as its receivers read it, and the trap around it."""
    sensor = bmc.bank.sensors.get(event.sensor_number)
    told = pet.Pet(
        guid=bmc.pef.guid[1:] if bmc.pef.guid[0] & USE_OWN_GUID else bmc.pet_guid,
        sequence=number,
        timestamp=max(0, bmc.clock_s() - pet.EPOCH_1998_S),
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
        manufacturer_id=bmc.profile.identity.manufacturer,
        system_id=bmc.profile.identity.product,
    )
    specific = pet.Specific(event.sensor_type, event.event_type, deasserted, event.event_data[0] & 0x0F)
    trap = TrapV1(
        pet.ENTERPRISE,
        bytes(int(part) for part in bmc.address.split(".")),
        GenericTrap.ENTERPRISE_SPECIFIC,
        pet.encode_specific(specific),
        ticks_between(bmc.started, now) % (1 << 32),
        (VarBind(pet.DATA_NAME, Tag.OCTET_STRING, pet.encode(told)),),
    )
    return told, trap
