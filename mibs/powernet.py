"""Objects of PowerNet-MIB as files, commands and readings use them: settings of a UPS, and states of its output."""

from __future__ import annotations

from typing import Final, NamedTuple

from ridethrough.mibs.tree import standard_tree


class UpsSetting(NamedTuple):
    """Object of a setting, and how many units of the object make one of ours."""

    object: str
    scale: int = 1


UPS_SETTINGS: Final[dict[str, UpsSetting]] = {
    "shutoff_delay_s": UpsSetting("upsAdvConfigShutoffDelay", 100),
    "return_delay_s": UpsSetting("upsAdvConfigReturnDelay", 100),
    "low_battery_s": UpsSetting("upsAdvConfigLowBatteryRunTime", 100),
    "sleep_s": UpsSetting("upsAdvConfigUpsSleepTime", 100),
    "high_transfer_v": UpsSetting("upsAdvConfigHighTransferVolt"),
    "low_transfer_v": UpsSetting("upsAdvConfigLowTransferVolt"),
    "min_return_percent": UpsSetting("upsAdvConfigMinReturnCapacity"),
    "sensitivity": UpsSetting("upsAdvConfigSensitivity"),
    "buzzer": UpsSetting("upsAdvConfigAlarm"),
    "buzzer_timer_s": UpsSetting("upsAdvConfigAlarmTimer", 100),
    "self_test": UpsSetting("upsAdvTestDiagnosticSchedule"),
    "discharge_s": UpsSetting("upsAdvConfigBattExhaustThresh", 100),
}
"""Settings that are numbers, by the names that rig files and commands have for them (003 1.7.4.3(19))."""

UPS_NAME: Final = "upsBasicIdentName"
"""The setting `name`."""
NAME_LENGTH: Final = 8
UPS_IDENTITY: Final[dict[str, str]] = {
    "model": "upsBasicIdentModel",
    "serial": "upsAdvIdentSerialNumber",
    "firmware": "upsAdvIdentFirmwareRevision",
}
"""Texts that identify a UPS, by the names that commands have for them."""

OUTPUT_STATUS: Final = "upsBasicOutputStatus"
_OUTPUT = standard_tree().named(OUTPUT_STATUS)
OUTPUT_STATES: Final = _OUTPUT.enum
ON_BATTERY: Final = _OUTPUT.number("onBattery")
NORMAL: Final = _OUTPUT.number("onLine")
ON_LINE: Final = frozenset({NORMAL, *map(_OUTPUT.number, ("onSmartBoost", "onSmartTrim"))})
OFF: Final = frozenset(map(_OUTPUT.number, ("timedSleeping", "off", "rebooting", "sleepingUntilPowerReturn")))
STAYS_OFF: Final = _OUTPUT.number("off")
"""Off until a command or the button: in every other state of `OFF` the outlets come back by themselves."""
