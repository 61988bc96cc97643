"""Traps of the UPS and its card: one row each. Faults bring their own (`faults.py`)."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, Self

from ridethrough.emulators.kernel.instant import Instant


class Trap(IntEnum):
    """Specific number below the maker's enterprise, and the text that the trap carries; its variables are the MIB's."""

    text: str

    def __new__(cls, number: int, text: str) -> Self:
        """A member that is its number."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.text = text
        return member

    COMMUNICATION_LOST = 1, "UPS: Lost the serial link to the UPS."
    OVERLOAD = 2, "UPS: The load exceeds the rating."
    DIAGNOSTICS_FAILED = 3, "UPS: A self test failed."
    DISCHARGED = 4, "UPS: The battery is too empty to carry the load through another failure."
    ON_BATTERY = 5, "UPS: On battery power because the input failed."
    BOOST_ON = 6, "UPS: Raising a low input voltage."
    LOW_BATTERY = 7, "UPS: The battery is low."
    COMMUNICATION_ESTABLISHED = 8, "UPS: The serial link to the UPS is up."
    POWER_RESTORED = 9, "UPS: No longer on battery power."
    DIAGNOSTICS_PASSED = 10, "UPS: A self test passed."
    RETURN_FROM_LOW_BATTERY = 11, "UPS: The battery is no longer low."
    TURNED_OFF = 12, "UPS: The outlets are off."
    SLEEPING = 13, "UPS: The outlets are asleep."
    WOKE_UP = 14, "UPS: The outlets are awake again."
    REBOOT_STARTED = 15, "UPS: A reboot has begun."
    REPLACE_BATTERY = 17, "UPS: The battery needs to be replaced."
    HARDWARE_BYPASS = 20, "UPS: On bypass because of a fault inside."
    SOFTWARE_BYPASS = 21, "UPS: On bypass by command."
    SWITCHED_BYPASS = 22, "UPS: On bypass by the switch."
    RETURN_FROM_BYPASS = 23, "UPS: No longer on bypass."
    CALIBRATION_START = 28, "UPS: A runtime calibration has begun."
    RESTART_AGENT = 29, "System: The agent restarts."
    TURNED_ON = 30, "UPS: The outlets are on."
    TRIM_ON = 31, "UPS: Lowering a high input voltage."
    OVERLOAD_CLEARED = 33, "UPS: The load is within the rating."
    BOOST_OFF = 34, "UPS: No longer raising the input voltage."
    TRIM_OFF = 35, "UPS: No longer lowering the input voltage."
    BATTERY_REPLACED = 36, "UPS: The battery was replaced."
    CALIBRATION_END = 37, "UPS: The runtime calibration has ended."
    DISCHARGE_CLEARED = 38, "UPS: The battery could carry the load through a failure again."
    GRACEFUL_SHUTDOWN = 39, "UPS: The outlets will go off after the delay."
    SNMP_CONFIG_CHANGED = 44, "System: The SNMP settings were changed."
    CONSOLE_VIOLATION = 46, "System: Somebody tried to log on at the console and failed."
    HTTP_VIOLATION = 47, "System: Somebody tried to log on at the web pages and failed."
    PASSWORD_CHANGED = 48, "System: A password was changed."
    OVER_TEMPERATURE = 53, "UPS: The battery is too warm."
    OVER_TEMPERATURE_CLEARED = 54, "UPS: The battery is no longer too warm."
    ABNORMAL = 77, "UPS: A condition is abnormal."
    ABNORMAL_CLEARED = 78, "UPS: A condition is normal again."
    USER_MODIFIED = 84, "System: A user was changed."
    PROBE_LOST = 171, "Environment: A probe is disconnected."
    PROBE_FOUND = 172, "Environment: A probe is connected."
    CONTACT_FAULT = 173, "Environment: A contact left its normal state."
    CONTACT_NORMAL = 174, "Environment: A contact is back in its normal state."
    GROUP_ON = 298, "UPS: An outlet group is on."
    GROUP_OFF = 299, "UPS: An outlet group is off."
    SENSOR_FOUND = 517, "Environment: A sensor is connected."
    SENSOR_LOST = 518, "Environment: A sensor is disconnected."
    TEST = 636, "System: A test trap."
    GROUP_COMMAND = 732, "UPS: An outlet group was given a command."
    LOST_ON_BATTERY = 733, "UPS: Lost the serial link to the UPS while it was on battery."


TEXTS: dict[int, str] = {int(trap): trap.text for trap in Trap}


class Notify(Protocol):
    """Sends a trap to whoever receives them. `number` is that of the abnormal condition or the outlet group it is
    about.
    """

    def __call__(self, trap: Trap, now: Instant, number: int = 0) -> None:
        """Send a trap. `number` 0 is about the UPS as a whole."""
