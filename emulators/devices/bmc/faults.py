"""Faults that can be injected into the server and its controller, one row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ridethrough.emulators.bindings.chassis import ChassisControl, RestartCause
from ridethrough.emulators.bindings.inputs import Input, NoEffectError, plain, while_able
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.pef import (
    FIRMWARE,
    INTERRUPT,
    INTRUSION,
    MEMORY,
    OS_STOP,
    POWER_UNIT,
    PROCESSOR,
    SUPPLY,
    WATCHDOG,
)
from ridethrough.emulators.devices.bmc.recovery_hold import ChassisAction
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.sdr import Sensor


class BmcFault(NamedTuple):
    """An injectable fault: an event of the first sensor of a type, or a reading that a named sensor shows."""

    text: str
    sensor_type: int = 0
    event_data: tuple[int, int, int] = (0xFF, 0xFF, 0xFF)
    sensor: str = ""
    reading: int = 0


FAULTS: dict[str, BmcFault] = {
    "memory_uncorrectable": BmcFault("uncorrectable memory error on DIMM 5", MEMORY, (0x31, 0xFF, 0x05)),
    "cpu_ierr": BmcFault("internal error of processor 1", PROCESSOR, (0x00, 0xFF, 0xFF)),
    "cpu_thermal_trip": BmcFault("thermal trip of processor 1", PROCESSOR, (0x01, 0xFF, 0xFF)),
    "firmware_hang": BmcFault("system firmware hangs", FIRMWARE, (0xC1, 0x00, 0xFF)),
    "front_panel_nmi": BmcFault("diagnostic interrupt from the front panel", INTERRUPT, (0x00, 0xFF, 0xFF)),
    "fan_stop": BmcFault("fan 1 stops", sensor="Fan1", reading=0),
    "temperature_critical": BmcFault("processor 1 above its critical temperature", sensor="CPU1 Temp", reading=97),
    "temperature_unrecoverable": BmcFault("processor 1 beyond recovery", sensor="CPU1 Temp", reading=105),
    "supply_failed": BmcFault("power supply 1 fails", SUPPLY, (0x01, 0xFF, 0xFF)),
    "power_unit_failed": BmcFault("the power unit fails", POWER_UNIT, (0x06, 0xFF, 0xFF)),
    "watchdog_reset": BmcFault("the watchdog of the operating system expires", WATCHDOG, (0xC1, 0x04, 0xFF)),
    "os_stopped": BmcFault("the operating system stops with a panic", OS_STOP, (0x01, 0xFF, 0xFF)),
    "chassis_opened": BmcFault("the chassis is opened", INTRUSION, (0x00, 0xFF, 0xFF)),
}


class FaultInjector:
    """The injected faults of one server and its controller."""

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc
        self.active: list[str] = []  # names of faults, in the order in which they were injected

    def inputs(self) -> dict[str, Input]:
        """A word for each fault, and one for the repair."""
        rows = {name: while_able(self.unable, plain(fault.text, self._breaker(name))) for name, fault in FAULTS.items()}
        return rows | {"clear": plain("every injected fault is repaired", self._repair)}

    def powerless(self) -> str:
        """That the controller has no power; empty where it has."""
        return "" if self._bmc.lifecycle.powered else f"{self._bmc.name} has no power"

    def unable(self) -> str:
        """Return why the controller notices nothing; empty where it notices."""
        hung = f"{self._bmc.name} hangs; cold_reset restarts it" if self._bmc.lifecycle.hung else ""
        return self.powerless() or hung

    def _breaker(self, name: str) -> Callable[[Instant], None]:
        return lambda now: self._break(name, now)

    def _break(self, name: str, now: Instant) -> None:
        bmc, fault = self._bmc, FAULTS[name]
        sensor = self._sensor(fault)
        if sensor is None:
            raise NoEffectError(f"{bmc.name} has no sensor that would notice it")
        self.active.append(name)
        if fault.sensor:
            bmc.sensors.overrides[sensor.number] = fault.reading
            bmc.watch_readings(now)
            return
        action = (
            ChassisAction(ChassisControl.HARD_RESET, RestartCause.WATCHDOG) if fault.sensor_type == WATCHDOG else None
        )
        bmc.events.raise_event(sensor, fault.event_data, now, action=action)

    def _sensor(self, fault: BmcFault) -> Sensor | None:
        """The sensor that notices a fault."""
        sensors = self._bmc.sensors
        if not fault.sensor:
            return sensors.of_type(fault.sensor_type)
        return next((row for row in sensors.by_number.values() if row.name == fault.sensor), None)

    def _repair(self, now: Instant) -> None:
        """A controller that cannot notice it finds everything in order later, and raises no event."""
        bmc, notices = self._bmc, self._bmc.lifecycle.acts
        bmc.sensors.overrides.clear()
        for name in self.active:
            fault = FAULTS[name]
            sensor = None if fault.sensor else bmc.sensors.of_type(fault.sensor_type)
            if sensor is not None and notices:
                bmc.events.raise_event(sensor, fault.event_data, now, deasserted=True)
            elif sensor is not None:
                bmc.sensors.states[sensor.number] &= ~(1 << (fault.event_data[0] & 0x0F))
        self.active.clear()
        if notices:
            bmc.watch_readings(now)
