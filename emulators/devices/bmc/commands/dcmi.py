"""Data center manageability (DCMI 1.5): power, temperatures, names."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import OPERATOR, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.pef import TEMPERATURE
from ridethrough.wire.ipmi.message import Completion, NetFn
from ridethrough.wire.ipmi.session import Session

GROUP = NetFn.GROUP
DCMI = 0xDC
VERSION = bytes((1, 5, 2))  # 1.5, revision of the parameters
PAGE = 16
ASSET_TAG, CONTROLLER_ID = 63, 64  # octets at most
# DCMI entities by those of IPMI (table 6-7): inlet, processor, baseboard.
ENTITIES = {0x40: 0x37, 0x41: 0x03, 0x42: 0x07}
ACTIVE = 0x40
OPTIONAL = 2  # platform attributes
NO_LIMIT = 0x80
CAPABILITIES: dict[int, bytes] = {
    1: bytes((0x00, 0x01, 0x00)),  # power management; the LAN channel and nothing else
    3: bytes((0x20, 0x00)),
    4: bytes((0x01, 0xFF, 0xFF)),  # LAN channel 1, no serial ones
    5: bytes((0x00,)),  # no enhanced statistics
}


def get_dcmi_capabilities(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get DCMI Capability Info."""
    value = CAPABILITIES.get(data[0])
    if data[0] == OPTIONAL:
        # A log without rollover, of so many records; temperatures each second.
        value = min(bmc.events.log.capacity, 0x0FFF).to_bytes(2, "little") + bytes((0x00, 0x00, 0x01))
    return refuse(Completion.INVALID_FIELD) if value is None else ok(VERSION + value)


def get_power_reading(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Power Reading."""
    if data[0] != 1:
        return refuse(Completion.INVALID_FIELD)  # only system power statistics
    meter, now = bmc.meter, bmc.now
    average = meter.average(now)
    numbers = (bmc.chassis.host.value.load_w, meter.lowest, meter.highest, average)
    watts = b"".join(round(number).to_bytes(2, "little") for number in numbers)
    period_ms = min(now - meter.began, 0xFFFFFFFF)
    return ok(watts + bmc.clock_s().to_bytes(4, "little") + period_ms.to_bytes(4, "little") + bytes((ACTIVE,)))


def get_power_limit(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Power Limit."""
    kept = bmc.settings.limit
    answer = bytes(2) + bytes((kept.action,)) + kept.watts.to_bytes(2, "little")
    answer += kept.correction_ms.to_bytes(4, "little") + bytes(2) + kept.period_s.to_bytes(2, "little")
    return (Completion.OK if kept.active else NO_LIMIT), answer


def set_power_limit(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Power Limit."""
    if data[3] not in (0x00, 0x01, 0x11):
        return refuse(Completion.INVALID_FIELD)
    kept = bmc.settings.limit
    kept.action, kept.watts = data[3], little(data[4:6])
    kept.correction_ms, kept.period_s = little(data[6:10]), little(data[12:14])
    return ok()


def activate_power_limit(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Activate Power Limit."""
    bmc.settings.limit.active = bool(data[0] & 1)
    return ok()


def _piece(text: bytes, data: bytes, most: int) -> Answer:
    offset, count = data[0], data[1]
    if count > PAGE or offset > most:
        return refuse(Completion.OUT_OF_RANGE)
    return ok(bytes((len(text),)) + text[offset : offset + count])


def _written(text: bytes, data: bytes, most: int) -> bytes | None:
    offset, count, octets = data[0], data[1], data[2:]
    if count > PAGE or offset + count > most or len(octets) != count:
        return None
    return text[:offset].ljust(offset, b"\0") + octets


def get_asset_tag(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Asset Tag."""
    return _piece(bmc.settings.asset_tag, data, ASSET_TAG)


def set_asset_tag(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Asset Tag."""
    text = _written(bmc.settings.asset_tag, data, ASSET_TAG)
    if text is None:
        return refuse(Completion.OUT_OF_RANGE)
    bmc.settings.asset_tag = text
    return ok(bytes((len(text),)))


def get_controller_id(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Management Controller Identifier String."""
    return _piece(bmc.settings.controller_id.encode("latin-1", "replace") + b"\0", data, CONTROLLER_ID)


def set_controller_id(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Management Controller Identifier String."""
    text = _written(bmc.settings.controller_id.encode("latin-1", "replace"), data, CONTROLLER_ID)
    if text is None:
        return refuse(Completion.OUT_OF_RANGE)
    bmc.settings.controller_id = text.split(b"\0")[0].decode("latin-1")
    return ok(bytes((len(text),)))


def _temperatures(bmc: Bmc, entity: int, instance: int) -> list[int]:
    """Numbers of the temperature sensors of a DCMI entity; instance 0 means all."""
    wanted = ENTITIES.get(entity, entity)
    return [
        number
        for number, sensor in bmc.sensors.by_number.items()
        if sensor.sensor_type == TEMPERATURE and sensor.entity_id == wanted and instance in (0, sensor.entity_instance)
    ]


def get_dcmi_sensor_info(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get DCMI Sensor Info."""
    if data[0] != TEMPERATURE:
        return refuse(Completion.INVALID_FIELD)
    order = list(bmc.sensors.by_number)
    found = _temperatures(bmc, data[1], data[2])
    shown = found[max(0, data[3] - 1) :][:8]
    # Record numbers are the places of the sensors in the repository, from 1.
    return ok(bytes((len(found), len(shown))) + b"".join((order.index(n) + 1).to_bytes(2, "little") for n in shown))


def get_temperature_readings(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Temperature Readings."""
    if data[0] != TEMPERATURE:
        return refuse(Completion.INVALID_FIELD)
    found = _temperatures(bmc, data[1], data[2])
    shown = found[max(0, data[3] - 1) :][:8]
    pairs = b""
    for number in shown:
        sensor = bmc.sensors.by_number[number]
        raw = bmc.sensors.reading(number, bmc.sensor_inputs)
        celsius = round(sensor.factors.value(raw)) if raw is not None else 0
        pairs += bytes((max(0, min(127, celsius)), sensor.entity_instance))
    return ok(bytes((len(found), len(shown))) + pairs)


ROWS: Table = {
    (GROUP, 0x01, DCMI): IpmiCommand("Get DCMI Capability Info", USER, 1, 1, get_dcmi_capabilities),
    (GROUP, 0x02, DCMI): IpmiCommand("Get Power Reading", USER, 3, 3, get_power_reading),
    (GROUP, 0x03, DCMI): IpmiCommand("Get Power Limit", USER, 2, 2, get_power_limit),
    (GROUP, 0x04, DCMI): IpmiCommand("Set Power Limit", OPERATOR, 14, 14, set_power_limit, changes=True),
    (GROUP, 0x05, DCMI): IpmiCommand("Activate Power Limit", OPERATOR, 3, 3, activate_power_limit, changes=True),
    (GROUP, 0x06, DCMI): IpmiCommand("Get Asset Tag", USER, 2, 2, get_asset_tag),
    (GROUP, 0x07, DCMI): IpmiCommand("Get DCMI Sensor Info", USER, 4, 4, get_dcmi_sensor_info),
    (GROUP, 0x08, DCMI): IpmiCommand("Set Asset Tag", OPERATOR, 2, 18, set_asset_tag, changes=True),
    (GROUP, 0x09, DCMI): IpmiCommand("Get Management Controller Identifier String", USER, 2, 2, get_controller_id),
    (GROUP, 0x0A, DCMI): IpmiCommand(
        "Set Management Controller Identifier String", OPERATOR, 2, 18, set_controller_id, changes=True
    ),
    (GROUP, 0x10, DCMI): IpmiCommand("Get Temperature Readings", USER, 4, 4, get_temperature_readings),
}
