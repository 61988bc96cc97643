"""Sensors of the emulated class of server, and the faults that can be injected into it. One row each.

Numbers and entities follow the worked examples of the platform event trap notes, so that a trap, a SEL record and
a sensor list name the same things.
"""

from __future__ import annotations

from typing import NamedTuple

from emulators.bindings.chassis import Action
from wire.sdr import SENSOR_SPECIFIC, THRESHOLD, Factors, Sensor, Thresholds

DEGREES_C = 1  # units of IPMI 2.0 table 43-15
VOLTS = 4
RPM = 18

INLET_TEMPERATURE = 1
CPU_TEMPERATURE = 2
FAN = 3
RAIL_12V = 4
POWER_SUPPLY = 5
WATCHDOG = 6
PROCESSOR = 7
MEMORY = 8
POWER_UNIT = 9
SYSTEM_EVENT = 10
FIRMWARE = 11
CRITICAL_INTERRUPT = 12

SENSORS: tuple[Sensor, ...] = (
    Sensor(INLET_TEMPERATURE, "Inlet Temp", 0x37, 1, 0x01, THRESHOLD, DEGREES_C, Factors(), Thresholds(47, 45, 42), 22),
    Sensor(CPU_TEMPERATURE, "CPU1 Temp", 0x03, 1, 0x01, THRESHOLD, DEGREES_C, Factors(), Thresholds(100, 95, 90), 45),
    Sensor(
        FAN, "Fan1", 0x1D, 1, 0x04, THRESHOLD, RPM, Factors(m=100), Thresholds(lnr=3, lcr=5, lnc=10), 60
    ),  # counts of 100 rpm
    Sensor(
        RAIL_12V, "P12V", 0x07, 1, 0x02, THRESHOLD, VOLTS, Factors(m=6, r_exp=-2), Thresholds(ucr=220, lcr=180), 200
    ),  # counts of 60 mV
    Sensor(POWER_SUPPLY, "PS1 Status", 0x0A, 1, 0x08, SENSOR_SPECIFIC, offsets=0x000F),
    Sensor(WATCHDOG, "Watchdog2", 0x06, 1, 0x23, SENSOR_SPECIFIC, offsets=0x010F),
    Sensor(PROCESSOR, "CPU1 Status", 0x03, 1, 0x07, SENSOR_SPECIFIC, offsets=0x0CFF),
    Sensor(MEMORY, "Mem ECC", 0x20, 5, 0x0C, SENSOR_SPECIFIC, offsets=0x007F),
    Sensor(POWER_UNIT, "Power Unit", 0x13, 1, 0x09, SENSOR_SPECIFIC, offsets=0x0073),
    Sensor(SYSTEM_EVENT, "System Event", 0x07, 1, 0x12, SENSOR_SPECIFIC, offsets=0x001F),
    Sensor(FIRMWARE, "System FW", 0x22, 1, 0x0F, SENSOR_SPECIFIC, offsets=0x0007),
    Sensor(CRITICAL_INTERRUPT, "Critical Int", 0x07, 1, 0x13, SENSOR_SPECIFIC, offsets=0x07FF),
)

BY_NUMBER: dict[int, Sensor] = {sensor.number: sensor for sensor in SENSORS}

# Event severities of PET (octet 26).
INFORMATION = 0x02
OK = 0x04
NON_CRITICAL = 0x08
CRITICAL = 0x10
NON_RECOVERABLE = 0x20


class Fault(NamedTuple):
    """An injectable fault: the event it raises, and what the BMC does when no recovery link holds it back."""

    text: str
    sensor: int
    offset: int
    severity: int
    event_data: tuple[int, int, int]
    action: Action | None = None
    reading: int | None = None  # raw reading the sensor shows from then on


FAULTS: dict[str, Fault] = {
    "memory_uncorrectable": Fault(
        "uncorrectable memory error on DIMM 5", MEMORY, 1, NON_RECOVERABLE, (0x31, 0xFF, 0x05), Action.HARD_RESET
    ),
    "cpu_ierr": Fault(
        "internal error of processor 1", PROCESSOR, 0, NON_RECOVERABLE, (0x00, 0xFF, 0xFF), Action.HARD_RESET
    ),
    "cpu_thermal_trip": Fault(
        "thermal trip of processor 1", PROCESSOR, 1, NON_RECOVERABLE, (0x01, 0xFF, 0xFF), Action.POWER_DOWN
    ),
    "firmware_hang": Fault(
        "system firmware hangs", FIRMWARE, 1, NON_RECOVERABLE, (0xC1, 0x00, 0xFF), Action.HARD_RESET
    ),
    "front_panel_nmi": Fault(
        "diagnostic interrupt from the front panel", CRITICAL_INTERRUPT, 0, CRITICAL, (0x00, 0xFF, 0xFF)
    ),
    "fan_stop": Fault("fan 1 stops", FAN, 2, CRITICAL, (0x52, 0x03, 0x05), None, 3),
    "temperature_critical": Fault(
        "processor 1 above its critical temperature", CPU_TEMPERATURE, 9, CRITICAL, (0x59, 97, 95), None, 97
    ),
}
