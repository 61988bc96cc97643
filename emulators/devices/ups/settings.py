"""Settings kept in the UPS: what a SET asks for, what the UPS makes of it, and when it shows.

The card passes each change on over the serial line, one step at a time, so a read right after a write returns the
old value and later the corrected one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from ridethrough.emulators.bindings.profile_files import ProfileError
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.kernel.instant import Instant, after


class Rounding(Enum):
    """The fate of a value that the model does not permit."""

    UP = auto()  # to the next higher permitted value; above the top, the top
    DOWN = auto()  # to the next lower; below the bottom, the bottom
    REFUSE = auto()  # enumerations: an error instead
    TENTH_HOURS = auto()  # the UPS counts sleep so; any time is taken
    NONE = auto()  # any value of the enumeration in the MIB is taken


TICKS_PER_S = 100
MINUTE_TICKS = 6000
SLEEP_STEP_TICKS = 36_000
LISTED = frozenset({Rounding.UP, Rounding.DOWN, Rounding.REFUSE})  # the profile lists the permitted values


class SettingRow(NamedTuple):
    """A setting: how it is corrected, and the other names under which it is written and read."""

    rounding: Rounding
    """As the card's MIB describes it."""
    other_instance: str = ""
    """Another instance that shows and takes the same value, of the UPS-MIB."""
    per_other: int = 1
    """Units of the object in one of the other instance."""

    @property
    def is_listed(self) -> bool:
        """True if the profile must list the permitted values."""
        return self.rounding in LISTED


# By the name of the object that shows it, in the order in which they are kept.
SETTINGS: dict[str, SettingRow] = {
    "upsAdvConfigHighTransferVolt": SettingRow(Rounding.UP, other_instance="upsConfigHighVoltageTransferPoint.0"),
    "upsAdvConfigLowTransferVolt": SettingRow(Rounding.DOWN, other_instance="upsConfigLowVoltageTransferPoint.0"),
    "upsAdvConfigAlarmTimer": SettingRow(Rounding.DOWN),
    "upsAdvConfigMinReturnCapacity": SettingRow(Rounding.UP),
    "upsAdvConfigLowBatteryRunTime": SettingRow(Rounding.UP, "upsConfigLowBattTime.0", MINUTE_TICKS),
    "upsAdvConfigReturnDelay": SettingRow(Rounding.UP),
    "upsAdvConfigShutoffDelay": SettingRow(Rounding.UP),
    "upsAdvConfigRatedOutputVoltage": SettingRow(Rounding.DOWN, other_instance="upsConfigOutputVoltage.0"),
    "upsAdvConfigBattExhaustThresh": SettingRow(Rounding.DOWN),
    "upsAdvConfigSensitivity": SettingRow(Rounding.REFUSE),
    "upsAdvConfigUpsSleepTime": SettingRow(Rounding.TENTH_HOURS),
    "upsAdvConfigAlarm": SettingRow(Rounding.NONE),
    "upsAdvTestDiagnosticSchedule": SettingRow(Rounding.NONE),
}


def correct(value: int, permitted: Sequence[int], rounding: Rounding) -> int:
    """The permitted value that the UPS takes instead of `value`."""
    if rounding is Rounding.UP:
        return min((item for item in permitted if item >= value), default=max(permitted))
    return max((item for item in permitted if item <= value), default=min(permitted))


def correct_sleep(ticks: int) -> int:
    """Nearest tenth of an hour, except that a short sleep is never none."""
    if 0 < ticks <= SLEEP_STEP_TICKS * 3 // 2:
        return SLEEP_STEP_TICKS
    return round(ticks / SLEEP_STEP_TICKS) * SLEEP_STEP_TICKS


class Settings:
    """Values in force and values on their way, by object name and in the object's unit; the properties give SI units.

    Raises ProfileError for a profile that lacks one.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._values = {name: profile.setting(name) for name in SETTINGS}
        if missing := [name for name, row in SETTINGS.items() if row.is_listed and not profile.permitted.get(name)]:
            raise ProfileError(f"profile {profile.profile}: no values of {', '.join(missing)} in `permitted`")
        self._pending: dict[str, tuple[Instant, int]] = {}

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    # The units of the objects are converted here and nowhere else.

    @property
    def shutoff_delay_s(self) -> float:
        """The time that a graceful shutdown waits before the outlets go off."""
        return self._values["upsAdvConfigShutoffDelay"] / TICKS_PER_S

    @property
    def return_delay_s(self) -> float:
        """The time that the outlets stay off once everything is right for their return."""
        return self._values["upsAdvConfigReturnDelay"] / TICKS_PER_S

    @property
    def sleep_time_s(self) -> float:
        """The time that the outlets sleep before the input may bring them back."""
        return self._values["upsAdvConfigUpsSleepTime"] / TICKS_PER_S

    @property
    def low_battery_runtime_s(self) -> float:
        """The runtime at which the battery counts as low."""
        return self._values["upsAdvConfigLowBatteryRunTime"] / TICKS_PER_S

    @property
    def min_return_capacity(self) -> float:
        """The share of the charge that the outlets wait for."""
        return self._values["upsAdvConfigMinReturnCapacity"] / 100

    @property
    def transfer_window_volts(self) -> tuple[int, int]:
        """The lowest and the highest input voltage that may feed the load."""
        return self._values["upsAdvConfigLowTransferVolt"], self._values["upsAdvConfigHighTransferVolt"]

    @property
    def rated_output_volts(self) -> float:
        """The output voltage on battery."""
        return float(self._values["upsAdvConfigRatedOutputVoltage"])

    @property
    def sensitivity(self) -> int:
        """The readiness to leave a distorted line: 1 is automatic, 2 low, 3 medium, 4 high."""
        return self._values["upsAdvConfigSensitivity"]

    @property
    def self_test_schedule(self) -> int:
        """The key of the interval in `schedule_days` of the profile."""
        return self._values["upsAdvTestDiagnosticSchedule"]

    def permits(self, name: str, value: int) -> bool:
        """Return whether a SET of `value` is accepted; numbers are corrected rather than refused."""
        return SETTINGS[name].rounding is not Rounding.REFUSE or value in self._profile.permitted[name]

    def preset(self, name: str, value: int) -> None:
        """Have the UPS hold `value`, corrected, from the start."""
        self._values[name] = self._corrected(name, value)

    def write(self, name: str, value: int, now: Instant) -> None:
        """Start a change; it shows after the time the UPS needs for its steps."""
        target = self._corrected(name, value)
        steps = 1
        permitted = self._profile.permitted.get(name, ())
        if target in permitted and self._values[name] in permitted:
            # The serial order is "next value", so the way from one to another may lead round the end.
            steps = max(1, (permitted.index(target) - permitted.index(self._values[name])) % len(permitted))
        self._pending[name] = (after(now, steps * self._profile.card.setting_step_s), target)

    def reset(self, now: Instant) -> None:
        """Start the way back to the factory values."""
        for name in self._values:
            self.write(name, self._profile.setting(name), now)

    def dump_state(self) -> dict[str, int]:
        """Return the values as they will stand once every change under way has arrived."""
        return self._values | {name: value for name, (_, value) in self._pending.items()}

    def advance(self, now: Instant) -> None:
        """Let the changes that have arrived show."""
        for name, (due, value) in list(self._pending.items()):
            if due <= now:
                self._values[name] = value
                del self._pending[name]

    def next_deadline(self) -> Instant | None:
        """Return when the next change arrives; None while none is under way."""
        return min((due for due, _ in self._pending.values()), default=None)

    def _corrected(self, name: str, value: int) -> int:
        rounding = SETTINGS[name].rounding
        if rounding is Rounding.TENTH_HOURS:
            return correct_sleep(value)
        if rounding in (Rounding.UP, Rounding.DOWN):
            return correct(value, self._profile.permitted[name], rounding)
        return value
