"""Sensors (IPMI 2.0 section 35)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.ipmi import Answer, Command, Handler, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import EVENT, OPERATOR, USER
from ridethrough.emulators.devices.bmc.sensors import LEVELS
from ridethrough.wire import sdr
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.sdr import THRESHOLD, Sensor, Thresholds, event_masks

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc
    from ridethrough.wire.ipmi.session import Session

EVENTS_ON, SCANNING_ON, UNAVAILABLE = 0x80, 0x40, 0x20
ENABLE, DISABLE = 1, 2  # what to do with the events named; 0 leaves them
ALL = 0x80
WRITE_READING = 0x01


Run = Callable[["Bmc", Sensor, bytes], Answer]


def of_sensor(run: Run, *, threshold: bool = False) -> Handler:
    """A handler for the sensor that the first octet names; with `threshold` it must be of that kind."""

    def handle(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
        sensor = bmc.bank.sensors.get(data[0])
        if sensor is None:
            return refuse(Completion.NOT_PRESENT)
        if threshold and sensor.event_type != THRESHOLD:
            return refuse(Completion.ILLEGAL_FOR_SENSOR)
        return run(bmc, sensor, data)

    return handle


def changing(run: Run, *, threshold: bool = False) -> Handler:
    """Likewise, of a command after which readings are looked at anew, as by a controller that scans all the time."""

    def changed(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
        answer = run(bmc, sensor, data)
        bmc.watch_readings(bmc.now)
        return answer

    return of_sensor(changed, threshold=threshold)


def hysteresis(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    return ok(bytes(bmc.bank.settings(sensor.number).hysteresis))


def set_hysteresis(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    bmc.bank.change(sensor.number).hysteresis = data[2], data[3]
    return ok()


def thresholds(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    limits = bmc.bank.settings(sensor.number).thresholds
    _, readable = event_masks(limits)
    return ok(bytes((readable, *(getattr(limits, field) or 0 for field, _, _ in LEVELS))))


def set_thresholds(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    limits = bmc.bank.settings(sensor.number).thresholds
    changes: dict[str, int] = {}
    for value, (field, _, bit) in zip(data[2:], LEVELS, strict=True):
        if data[1] & bit:
            if getattr(sensor.thresholds, field) is None:
                return refuse(Completion.INVALID_FIELD)
            changes[field] = value
    bmc.bank.change(sensor.number).thresholds = Thresholds(**limits._asdict() | changes)
    return ok()


def event_enables(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    settings = bmc.bank.settings(sensor.number)
    masks = settings.assertions.to_bytes(2, "little") + settings.deassertions.to_bytes(2, "little")
    return ok(bytes((_flags(bmc, sensor),)) + masks)


def set_event_enables(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    settings = bmc.bank.change(sensor.number)
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


def rearm(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    # Whatever still holds is found, and told, again.
    if sensor.event_type == THRESHOLD:
        mask = 0xFFFF if not data[1] & ALL or len(data) < 4 else little(data[2:4])
        bmc.bank.states[sensor.number] &= ~mask
    return ok()


def event_status(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    return ok(bytes((_flags(bmc, sensor),)) + bmc.bank.states[sensor.number].to_bytes(2, "little") + bytes(2))


def reading(bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    flags = _flags(bmc, sensor)
    if sensor.event_type != THRESHOLD:
        states = bmc.bank.states[sensor.number]
        return ok(bytes((0x00, flags, states & 0xFF, 0x80 | states >> 8)))
    value = bmc.bank.reading(sensor.number, bmc.around)
    if value is None:
        return ok(bytes((0x00, flags | UNAVAILABLE, 0xC0)))
    return ok(bytes((value, flags, 0xC0 | bmc.bank.comparison(sensor.number, value))))


def _flags(bmc: Bmc, sensor: Sensor) -> int:
    settings = bmc.bank.settings(sensor.number)
    return (EVENTS_ON if settings.events else 0) | (SCANNING_ON if settings.scanning else 0)


def sensor_type(_bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    return ok(bytes((sensor.sensor_type, sensor.event_type)))


def factors(_bmc: Bmc, sensor: Sensor, _data: bytes) -> Answer:
    return ok(b"\xff" + sdr.factors_octets(sensor.factors))  # the same for every reading


def set_reading(bmc: Bmc, sensor: Sensor, data: bytes) -> Answer:
    if not bmc.may_inject:
        return refuse(Completion.SUBFUNCTION_DISABLED)
    if sensor.event_type == THRESHOLD:
        if data[1] & WRITE_READING:
            bmc.bank.overrides[sensor.number] = data[2]
        return ok()
    if data[1] >> 4 & 3 == 1:
        bmc.bank.states[sensor.number] = little(data[3:5].ljust(2, b"\0")) & 0x7FFF
    return ok()


ROWS: Table = {
    (EVENT, 0x23, 0): Command("Get Sensor Reading Factors", USER, 2, 2, of_sensor(factors, threshold=True)),
    (EVENT, 0x24, 0): Command("Set Sensor Hysteresis", OPERATOR, 4, 4, changing(set_hysteresis, threshold=True)),
    (EVENT, 0x25, 0): Command("Get Sensor Hysteresis", USER, 2, 2, of_sensor(hysteresis, threshold=True), steady=True),
    (EVENT, 0x26, 0): Command("Set Sensor Thresholds", OPERATOR, 8, 8, changing(set_thresholds, threshold=True)),
    (EVENT, 0x27, 0): Command("Get Sensor Thresholds", USER, 1, 1, of_sensor(thresholds, threshold=True), steady=True),
    (EVENT, 0x28, 0): Command("Set Sensor Event Enable", OPERATOR, 2, 6, changing(set_event_enables)),
    (EVENT, 0x29, 0): Command("Get Sensor Event Enable", USER, 1, 1, of_sensor(event_enables), steady=True),
    (EVENT, 0x2A, 0): Command("Re-arm Sensor Events", OPERATOR, 2, 6, changing(rearm)),
    (EVENT, 0x2B, 0): Command("Get Sensor Event Status", USER, 1, 1, of_sensor(event_status), steady=True),
    (EVENT, 0x2D, 0): Command("Get Sensor Reading", USER, 1, 1, of_sensor(reading), steady=True),
    (EVENT, 0x2F, 0): Command("Get Sensor Type", USER, 1, 1, of_sensor(sensor_type), steady=True),
    (EVENT, 0x30, 0): Command("Set Sensor Reading And Event Status", OPERATOR, 3, 10, changing(set_reading)),
}
