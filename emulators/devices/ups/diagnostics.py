"""Tests that move the load to the battery while the line is good: self test, simulated failure, calibration."""

from __future__ import annotations

from enum import Enum, IntEnum, auto

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.kernel.instant import START, Instant, after


class Kind(Enum):
    """What is under way."""

    NONE = auto()
    SELF_TEST = auto()
    SIMULATED_FAILURE = auto()
    CALIBRATION = auto()


class SelfTestResult(IntEnum):
    """upsAdvTestDiagnosticsResults."""

    OK = 1
    FAILED = 2
    INVALID = 3
    IN_PROGRESS = 4


class CalibrationResult(IntEnum):
    """upsAdvTestCalibrationResults."""

    OK = 1
    INVALID = 2
    IN_PROGRESS = 3
    ABORTED = 5


DAY_S = 86_400


class Outcome(Enum):
    """What the model has to tell after a test changed."""

    NOTHING = auto()
    PASSED = auto()
    FAILED = auto()
    CALIBRATED = auto()


class Diagnostics:
    """At most one test at a time. Starts with the results of the profile's recording."""

    def __init__(self, profile: Profile) -> None:
        self._limits = profile.diagnostics
        self.running = Kind.NONE
        self.battery_bad = False
        self.result = SelfTestResult(profile.number("upsAdvTestDiagnosticsResults", SelfTestResult.OK))
        self.calibration = CalibrationResult(profile.number("upsAdvTestCalibrationResults", CalibrationResult.OK))
        self.tested_on = profile.text("upsAdvTestLastDiagnosticsDate")
        self.calibrated_on = profile.text("upsAdvTestCalibrationDate")
        self.began: Instant | None = None  # the latest test
        self.ended: Instant | None = None  # likewise, unless it still runs
        self._until: Instant | None = None
        self._last: Instant = START  # of the last self test, tried or made

    def scheduled(self, schedule: int) -> Instant | None:
        """When the UPS will test itself by its schedule."""
        days = self._limits.schedule_days.get(schedule)
        return None if days is None else after(self._last, days * DAY_S)

    @property
    def active(self) -> bool:
        """Whether the battery feeds the load although the line is good."""
        return self.running is not Kind.NONE

    def start(self, test: Kind, now: Instant, charge: float, *, on_line: bool) -> bool:
        """Begin a test; False, with an invalid result where there is one, when it cannot run now."""
        possible = on_line and not self.active
        if test is Kind.SELF_TEST:
            self._last = now
        if test is Kind.SELF_TEST and (not possible or charge < self._limits.least_charge):
            self.result = SelfTestResult.INVALID
            return False
        if test is Kind.CALIBRATION and (not possible or charge < 1):
            self.calibration = CalibrationResult.INVALID
            return False
        if not possible:
            return False
        self.running = test
        self.began, self.ended = now, None
        if test is Kind.CALIBRATION:
            self.calibration = CalibrationResult.IN_PROGRESS
        elif test is Kind.SELF_TEST:
            self.result = SelfTestResult.IN_PROGRESS
            self._until = after(now, self._limits.self_test_s)
        else:
            self._until = after(now, self._limits.simulated_failure_s)
        return True

    def abort(self, now: Instant) -> bool:
        """The line failed, the output went off, or a calibration was cancelled; True when a calibration ended so."""
        if not self.active:
            return False
        was = self.running
        self.running, self._until, self.ended = Kind.NONE, None, now
        if was is Kind.SELF_TEST:
            self.result = SelfTestResult.INVALID
        elif was is Kind.CALIBRATION:
            self.calibration = CalibrationResult.ABORTED
        return was is Kind.CALIBRATION

    def advance(self, now: Instant, charge: float, date: str) -> Outcome:
        """End what is due at `now`; `date` is the card's."""
        if self.running is Kind.CALIBRATION and charge <= self._limits.calibration_ends + 1e-9:
            self.running, self.calibration, self.calibrated_on = Kind.NONE, CalibrationResult.OK, date
            self.ended = now
            return Outcome.CALIBRATED
        if self._until is None or self._until > now:
            return Outcome.NOTHING
        was, self.running, self._until, self.ended = self.running, Kind.NONE, None, now
        if was is not Kind.SELF_TEST:
            return Outcome.NOTHING
        self.tested_on = date
        self.result = SelfTestResult.FAILED if self.battery_bad else SelfTestResult.OK
        return Outcome.FAILED if self.battery_bad else Outcome.PASSED

    @property
    def due(self) -> Instant | None:
        """When a test of fixed length ends."""
        return self._until

    @property
    def calibration_level(self) -> float | None:
        """Charge at which the calibration under way ends."""
        return self._limits.calibration_ends if self.running is Kind.CALIBRATION else None
