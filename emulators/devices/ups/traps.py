"""Traps of the UPS and its card: numbers and texts. Faults bring their own (`faults.py`)."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from ridethrough.emulators.kernel.instant import Instant


class Trap(IntEnum):
    """Specific numbers below the maker's enterprise."""

    COMMUNICATION_LOST = 1
    OVERLOAD = 2
    DIAGNOSTICS_FAILED = 3
    DISCHARGED = 4
    ON_BATTERY = 5
    BOOST_ON = 6
    LOW_BATTERY = 7
    COMMUNICATION_ESTABLISHED = 8
    POWER_RESTORED = 9
    DIAGNOSTICS_PASSED = 10
    RETURN_FROM_LOW_BATTERY = 11
    TURNED_OFF = 12
    SLEEPING = 13
    WOKE_UP = 14
    REBOOT_STARTED = 15
    REPLACE_BATTERY = 17
    HARDWARE_BYPASS = 20
    SOFTWARE_BYPASS = 21
    SWITCHED_BYPASS = 22
    RETURN_FROM_BYPASS = 23
    CALIBRATION_START = 28
    RESTART_AGENT = 29
    TURNED_ON = 30
    TRIM_ON = 31
    OVERLOAD_CLEARED = 33
    BOOST_OFF = 34
    TRIM_OFF = 35
    BATTERY_REPLACED = 36
    CALIBRATION_END = 37
    DISCHARGE_CLEARED = 38
    GRACEFUL_SHUTDOWN = 39
    SNMP_CONFIG_CHANGED = 44
    CONSOLE_VIOLATION = 46
    HTTP_VIOLATION = 47
    PASSWORD_CHANGED = 48
    OVER_TEMPERATURE = 53
    OVER_TEMPERATURE_CLEARED = 54
    ABNORMAL = 77
    ABNORMAL_CLEARED = 78
    USER_MODIFIED = 84
    PROBE_LOST = 171
    PROBE_FOUND = 172
    CONTACT_FAULT = 173
    CONTACT_NORMAL = 174
    GROUP_ON = 298
    GROUP_OFF = 299
    SENSOR_FOUND = 517
    SENSOR_LOST = 518
    TEST = 636
    GROUP_COMMAND = 732
    LOST_ON_BATTERY = 733


TEXTS: dict[int, str] = {
    Trap.COMMUNICATION_LOST: "UPS: Lost the serial link to the UPS.",
    Trap.OVERLOAD: "UPS: The load exceeds the rating.",
    Trap.DIAGNOSTICS_FAILED: "UPS: A self test failed.",
    Trap.DISCHARGED: "UPS: The battery is too empty to carry the load through another failure.",
    Trap.ON_BATTERY: "UPS: On battery power because the input failed.",
    Trap.BOOST_ON: "UPS: Raising a low input voltage.",
    Trap.LOW_BATTERY: "UPS: The battery is low.",
    Trap.COMMUNICATION_ESTABLISHED: "UPS: The serial link to the UPS is up.",
    Trap.POWER_RESTORED: "UPS: No longer on battery power.",
    Trap.DIAGNOSTICS_PASSED: "UPS: A self test passed.",
    Trap.RETURN_FROM_LOW_BATTERY: "UPS: The battery is no longer low.",
    Trap.TURNED_OFF: "UPS: The outlets are off.",
    Trap.SLEEPING: "UPS: The outlets are asleep.",
    Trap.WOKE_UP: "UPS: The outlets are awake again.",
    Trap.REBOOT_STARTED: "UPS: A reboot has begun.",
    Trap.REPLACE_BATTERY: "UPS: The battery needs to be replaced.",
    Trap.HARDWARE_BYPASS: "UPS: On bypass because of a fault inside.",
    Trap.SOFTWARE_BYPASS: "UPS: On bypass by command.",
    Trap.SWITCHED_BYPASS: "UPS: On bypass by the switch.",
    Trap.RETURN_FROM_BYPASS: "UPS: No longer on bypass.",
    Trap.CALIBRATION_START: "UPS: A runtime calibration has begun.",
    Trap.RESTART_AGENT: "System: The agent restarts.",
    Trap.TURNED_ON: "UPS: The outlets are on.",
    Trap.TRIM_ON: "UPS: Lowering a high input voltage.",
    Trap.OVERLOAD_CLEARED: "UPS: The load is within the rating.",
    Trap.BOOST_OFF: "UPS: No longer raising the input voltage.",
    Trap.TRIM_OFF: "UPS: No longer lowering the input voltage.",
    Trap.BATTERY_REPLACED: "UPS: The battery was replaced.",
    Trap.CALIBRATION_END: "UPS: The runtime calibration has ended.",
    Trap.DISCHARGE_CLEARED: "UPS: The battery could carry the load through a failure again.",
    Trap.GRACEFUL_SHUTDOWN: "UPS: The outlets will go off after the delay.",
    Trap.SNMP_CONFIG_CHANGED: "System: The SNMP settings were changed.",
    Trap.CONSOLE_VIOLATION: "System: Somebody tried to log on at the console and failed.",
    Trap.HTTP_VIOLATION: "System: Somebody tried to log on at the web pages and failed.",
    Trap.PASSWORD_CHANGED: "System: A password was changed.",
    Trap.OVER_TEMPERATURE: "UPS: The battery is too warm.",
    Trap.OVER_TEMPERATURE_CLEARED: "UPS: The battery is no longer too warm.",
    Trap.ABNORMAL: "UPS: A condition is abnormal.",
    Trap.ABNORMAL_CLEARED: "UPS: A condition is normal again.",
    Trap.USER_MODIFIED: "System: A user was changed.",
    Trap.PROBE_LOST: "Environment: A probe is disconnected.",
    Trap.PROBE_FOUND: "Environment: A probe is connected.",
    Trap.CONTACT_FAULT: "Environment: A contact left its normal state.",
    Trap.CONTACT_NORMAL: "Environment: A contact is back in its normal state.",
    Trap.GROUP_ON: "UPS: An outlet group is on.",
    Trap.GROUP_OFF: "UPS: An outlet group is off.",
    Trap.SENSOR_FOUND: "Environment: A sensor is connected.",
    Trap.SENSOR_LOST: "Environment: A sensor is disconnected.",
    Trap.TEST: "System: A test trap.",
    Trap.GROUP_COMMAND: "UPS: An outlet group was given a command.",
    Trap.LOST_ON_BATTERY: "UPS: Lost the serial link to the UPS while it was on battery.",
}


class Notify(Protocol):
    """Sends a trap to whoever receives them. `number` is that of the abnormal condition or the outlet group it is
    about.
    """

    def __call__(self, trap: Trap, now: Instant, number: int = 0) -> None: ...
