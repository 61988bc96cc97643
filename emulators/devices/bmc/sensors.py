"""Sensors of a controller: readings, thresholds and settings (IPMI 2.0 sections 35 and 36)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ridethrough.emulators.bindings.chassis import HostState
from ridethrough.emulators.devices.bmc.pef import SUPPLY
from ridethrough.emulators.devices.bmc.profile import BmcProfile, SensorRow
from ridethrough.wire.sdr import THRESHOLD, Sensor, Thresholds, event_masks

# Thresholds by field, with the event that each raises: lower ones going low, upper ones going high (table 42-2).
LEVELS: tuple[tuple[str, int, int], ...] = (
    ("lnc", 0, 0x01),
    ("lcr", 2, 0x02),
    ("lnr", 4, 0x04),
    ("unc", 7, 0x08),
    ("ucr", 9, 0x10),
    ("unr", 11, 0x20),
)
RISING = frozenset({7, 9, 11})
NOMINAL_CELSIUS = 22.0  # inlet temperature at which nominal readings hold


class SensorInputs(NamedTuple):
    """The server, the air at the inlet and the nominal load, which the readings follow."""

    host: HostState
    inlet_celsius: float
    nominal_w: float = 0.0  # load at which nominal readings hold


class Crossing(NamedTuple):
    """A threshold passed, one way or the other."""

    sensor: Sensor
    offset: int
    deasserted: bool
    reading: int
    limit: int


@dataclass(slots=True)
class SensorSettings:
    """Settings of a sensor that managers may change. Masks are of assertion and deassertion events."""

    thresholds: Thresholds
    hysteresis: tuple[int, int]  # for rising and falling readings
    assertions: int
    deassertions: int
    events: bool = True
    scanning: bool = True


DRIVES: dict[str, Callable[[Sensor, SensorInputs], int]] = {
    "fixed": lambda sensor, _inputs: sensor.nominal,
    "inlet": lambda sensor, inputs: sensor.factors.raw(inputs.inlet_celsius),
    "processor": lambda sensor, inputs: _held(sensor.nominal + _warmer(inputs) + _busier(inputs)),
    "fan": lambda sensor, inputs: _held(sensor.nominal + max(0, _warmer(inputs))),
    "watts": lambda sensor, inputs: sensor.factors.raw(inputs.host.load_w),
}


def _warmer(inputs: SensorInputs) -> int:
    return round(inputs.inlet_celsius - NOMINAL_CELSIUS)


def _busier(inputs: SensorInputs) -> int:
    return round((inputs.host.load_w - inputs.nominal_w) / 100)  # a degree for each 100 W


def _held(raw: int) -> int:
    return max(0, min(255, raw))


class SensorBank:
    """State of all sensors of one controller; rows are those of its profile, and one for each further supply."""

    def __init__(self, profile: BmcProfile, supplies: int) -> None:
        self.rows: dict[int, SensorRow] = {row.number: row for row in _rows(profile, supplies)}
        self.by_number: dict[int, Sensor] = {number: row.sensor() for number, row in self.rows.items()}
        self._by_type: dict[int, list[Sensor]] = {}
        for sensor in self.by_number.values():
            self._by_type.setdefault(sensor.sensor_type, []).append(sensor)
        self.states: dict[int, int] = {number: row.shown for number, row in self.rows.items()}
        self.overrides: dict[int, int] = {}  # raw readings that a fault holds
        self.inlet_celsius = NOMINAL_CELSIUS
        self.reservation = 0  # of the repository of their records; 0 before the first
        self._settings: dict[int, SensorSettings] = {}  # of sensors that a manager touched

    def reserve(self) -> int:
        """A new reservation of the repository (section 33.11); it ends the one before."""
        self.reservation = self.reservation % 0xFFFF + 1
        return self.reservation

    def all_of(self, sensor_type: int) -> list[Sensor]:
        """The sensors of a type."""
        return self._by_type.get(sensor_type, [])

    def of_type(self, sensor_type: int) -> Sensor | None:
        """The first sensor of a type; None where the profile has none."""
        return next(iter(self.all_of(sensor_type)), None)

    def states_of(self, sensor_type: int) -> list[int]:
        """The states of all sensors of a type, a bit for each offset."""
        return [self.states[sensor.number] for sensor in self.all_of(sensor_type)]

    def settings(self, number: int) -> SensorSettings:
        """Present settings, to be read only: a new copy of the factory settings where nobody changed them."""
        known = self._settings.get(number)
        return known if known is not None else _factory(self.by_number[number])

    def change(self, number: int) -> SensorSettings:
        """A manager's settings of a sensor, for the caller to change in place; at first they are the factory's."""
        return self._settings.setdefault(number, _factory(self.by_number[number]))

    def reading(self, number: int, inputs: SensorInputs) -> int | None:
        """Raw reading of a threshold sensor; None while it cannot be read."""
        if number in self.overrides:
            return self.overrides[number]
        row = self.rows[number]
        if not row.standby and not inputs.host.powered:
            return None
        return DRIVES[row.drive](self.by_number[number], inputs)

    def crossings(self, inputs: SensorInputs) -> Iterator[Crossing]:
        """Thresholds passed since the last call; states follow."""
        for number, sensor in self.by_number.items():
            if sensor.event_type != THRESHOLD:
                continue
            settings = self._settings.get(number)
            if settings is not None and not settings.scanning:
                continue
            reading = self.reading(number, inputs)
            if reading is None:
                self.states[number] = 0  # nothing is known of what cannot be read
                continue
            thresholds = sensor.thresholds if settings is None else settings.thresholds
            rising, falling = (sensor.hysteresis,) * 2 if settings is None else settings.hysteresis
            for field, offset, _ in LEVELS:
                limit: int | None = getattr(thresholds, field)
                if limit is None:
                    continue
                before = bool(self.states[number] >> offset & 1)
                if offset in RISING:
                    passed = reading >= limit or (before and reading > limit - rising)
                else:
                    passed = reading <= limit or (before and reading < limit + falling)
                if passed != before:
                    self.states[number] ^= 1 << offset
                    yield Crossing(sensor, offset, before, reading, limit)

    def enabled(self, number: int, offset: int, *, deasserted: bool) -> bool:
        """True if an event of this sensor is to be raised."""
        settings = self._settings.get(number)
        if settings is None:
            return True
        mask = settings.deassertions if deasserted else settings.assertions
        return settings.events and settings.scanning and bool(mask >> offset & 1)

    def comparison(self, number: int, reading: int) -> int:
        """Threshold comparison bits of Get Sensor Reading (table 35-16)."""
        thresholds = self.settings(number).thresholds
        bits = 0
        for field, offset, bit in LEVELS:
            limit: int | None = getattr(thresholds, field)
            if limit is not None and (reading >= limit if offset in RISING else reading <= limit):
                bits |= bit
        return bits


def _factory(sensor: Sensor) -> SensorSettings:
    events = event_masks(sensor.thresholds)[0] if sensor.event_type == THRESHOLD else sensor.offsets
    return SensorSettings(sensor.thresholds, (sensor.hysteresis, sensor.hysteresis), events, events)


FIRST_MORE_SUPPLY = 0x20


def _rows(profile: BmcProfile, supplies: int) -> Iterator[SensorRow]:
    """The rows of a profile, with as many power supplies as the server has."""
    yield from profile.sensors
    first = next((row for row in profile.sensors if row.type == SUPPLY), None)
    known = sum(row.type == SUPPLY for row in profile.sensors)
    if first is None:
        return
    for index in range(known + 1, supplies + 1):
        changes = {"number": FIRST_MORE_SUPPLY + index, "name": f"PS{index} Status", "entity": (first.entity[0], index)}
        yield first.model_copy(update=changes)
