"""Sensors (IPMI 2.0 section 35)."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.bindings.ipmi import Answer, Handler, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import EVENT, OPERATOR, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.sensors import LEVELS
from ridethrough.wire import sdr
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session
from ridethrough.wire.sdr import THRESHOLD, Sensor, Thresholds, event_masks

EVENTS_ON, SCANNING_ON, UNAVAILABLE = 0x80, 0x40, 0x20
ENABLE, DISABLE = 1, 2  # what to do with the events named; 0 leaves them
ALL = 0x80
WRITE_READING = 0x01


SensorHandler = Callable[[Bmc, Sensor, bytes], Answer]


def of_sensor(*, threshold: bool = False, rescan: bool = False) -> Callable[[SensorHandler], Handler]:
    """Make a handler of a function that takes the sensor which the first octet names.

    With `threshold` the sensor must be of that kind. With `rescan` readings are looked at anew afterwards, as by a
    controller that scans all the time.
    """

    def decorate(run: SensorHandler) -> Handler:
        def handle(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
            sensor = bmc.sensors.by_number.get(data[0])
            if sensor is None:
                return refuse(Completion.NOT_PRESENT)
            if threshold and sensor.event_type != THRESHOLD:
                return refuse(Completion.ILLEGAL_FOR_SENSOR)
            answer = run(bmc, sensor, data)
            if rescan:
                bmc.watch_readings(bmc.now)
            return answer

        return handle

    return decorate


@of_sensor(threshold=True)
def get_sensor_hysteresis(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Hysteresis (section 35.7)."""
    return ok(bytes(bmc.sensors.settings(sensor.number).hysteresis))


@of_sensor(threshold=True, rescan=True)
def set_sensor_hysteresis(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    """Set Sensor Hysteresis (section 35.6)."""
    bmc.sensors.change(sensor.number).hysteresis = data[2], data[3]
    return ok()


@of_sensor(threshold=True)
def get_sensor_thresholds(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Thresholds (section 35.9)."""
    limits = bmc.sensors.settings(sensor.number).thresholds
    _, readable = event_masks(limits)
    return ok(bytes((readable, *(getattr(limits, field) or 0 for field, _, _ in LEVELS))))


@of_sensor(threshold=True, rescan=True)
def set_sensor_thresholds(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    """Set Sensor Thresholds (section 35.8)."""
    limits = bmc.sensors.settings(sensor.number).thresholds
    changes: dict[str, int] = {}
    for value, (field, _, bit) in zip(data[2:], LEVELS, strict=True):
        if data[1] & bit:
            if getattr(sensor.thresholds, field) is None:
                return refuse(Completion.INVALID_FIELD)
            changes[field] = value
    bmc.sensors.change(sensor.number).thresholds = Thresholds(**limits._asdict() | changes)
    return ok()


@of_sensor()
def get_sensor_event_enable(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Event Enable (section 35.11)."""
    settings = bmc.sensors.settings(sensor.number)
    masks = settings.assertions.to_bytes(2, "little") + settings.deassertions.to_bytes(2, "little")
    return ok(bytes((_flags(bmc, sensor),)) + masks)


@of_sensor(rescan=True)
def set_sensor_event_enable(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    """Set Sensor Event Enable (section 35.10)."""
    settings = bmc.sensors.change(sensor.number)
    settings.events, settings.scanning = bool(data[1] & EVENTS_ON), bool(data[1] & SCANNING_ON)
    masks = data[2:].ljust(4, b"\0")
    assertions, deassertions = little(masks[:2]) & 0x7FFF, little(masks[2:]) & 0x7FFF
    if data[1] >> 4 & 3 == ENABLE:
        settings.assertions |= assertions
        settings.deassertions |= deassertions
    elif data[1] >> 4 & 3 == DISABLE:
        settings.assertions &= ~assertions
        settings.deassertions &= ~deassertions
    return ok()


@of_sensor(rescan=True)
def re_arm_sensor_events(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    """Re-arm Sensor Events (section 35.12)."""
    # Whatever still holds is found, and its event raised, again.
    if sensor.event_type == THRESHOLD:
        mask = 0xFFFF if not data[1] & ALL or len(data) < 4 else little(data[2:4])
        bmc.sensors.states[sensor.number] &= ~mask
    return ok()


@of_sensor()
def get_sensor_event_status(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Event Status (section 35.13)."""
    return ok(bytes((_flags(bmc, sensor),)) + bmc.sensors.states[sensor.number].to_bytes(2, "little") + bytes(2))


@of_sensor()
def get_sensor_reading(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Reading (section 35.14)."""
    flags = _flags(bmc, sensor)
    if sensor.event_type != THRESHOLD:
        states = bmc.sensors.states[sensor.number]
        return ok(bytes((0x00, flags, states & 0xFF, 0x80 | states >> 8)))
    value = bmc.sensors.reading(sensor.number, bmc.sensor_inputs)
    if value is None:
        return ok(bytes((0x00, flags | UNAVAILABLE, 0xC0)))
    return ok(bytes((value, flags, 0xC0 | bmc.sensors.comparison(sensor.number, value))))


def _flags(bmc: Bmc, sensor: Sensor) -> int:
    settings = bmc.sensors.settings(sensor.number)
    return (EVENTS_ON if settings.events else 0) | (SCANNING_ON if settings.scanning else 0)


@of_sensor()
def get_sensor_type(_bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Type (section 35.16)."""
    return ok(bytes((sensor.sensor_type, sensor.event_type)))


@of_sensor(threshold=True)
def get_sensor_reading_factors(_bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    """Get Sensor Reading Factors (section 35.5)."""
    return ok(b"\xff" + sdr.factors_octets(sensor.factors))  # the same for every reading


@of_sensor(rescan=True)
def set_sensor_reading(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    """Set Sensor Reading And Event Status (section 35.17)."""
    if not bmc.options.inject:
        return refuse(Completion.SUBFUNCTION_DISABLED)
    if sensor.event_type == THRESHOLD:
        if data[1] & WRITE_READING:
            bmc.sensors.overrides[sensor.number] = data[2]
        return ok()
    if data[1] >> 4 & 3 == 1:
        bmc.sensors.states[sensor.number] = little(data[3:5].ljust(2, b"\0")) & 0x7FFF
    return ok()


ROWS: Table = {
    (EVENT, 0x23, 0): IpmiCommand("Get Sensor Reading Factors", USER, 2, 2, get_sensor_reading_factors),
    (EVENT, 0x24, 0): IpmiCommand("Set Sensor Hysteresis", OPERATOR, 4, 4, set_sensor_hysteresis, changes=True),
    (EVENT, 0x25, 0): IpmiCommand("Get Sensor Hysteresis", USER, 2, 2, get_sensor_hysteresis, steady=True),
    (EVENT, 0x26, 0): IpmiCommand("Set Sensor Thresholds", OPERATOR, 8, 8, set_sensor_thresholds, changes=True),
    (EVENT, 0x27, 0): IpmiCommand("Get Sensor Thresholds", USER, 1, 1, get_sensor_thresholds, steady=True),
    (EVENT, 0x28, 0): IpmiCommand("Set Sensor Event Enable", OPERATOR, 2, 6, set_sensor_event_enable, changes=True),
    (EVENT, 0x29, 0): IpmiCommand("Get Sensor Event Enable", USER, 1, 1, get_sensor_event_enable, steady=True),
    (EVENT, 0x2A, 0): IpmiCommand("Re-arm Sensor Events", OPERATOR, 2, 6, re_arm_sensor_events, changes=True),
    (EVENT, 0x2B, 0): IpmiCommand("Get Sensor Event Status", USER, 1, 1, get_sensor_event_status, steady=True),
    (EVENT, 0x2D, 0): IpmiCommand("Get Sensor Reading", USER, 1, 1, get_sensor_reading, steady=True),
    (EVENT, 0x2F, 0): IpmiCommand("Get Sensor Type", USER, 1, 1, get_sensor_type, steady=True),
    (EVENT, 0x30, 0): IpmiCommand(
        "Set Sensor Reading And Event Status", OPERATOR, 3, 10, set_sensor_reading, changes=True
    ),
}
