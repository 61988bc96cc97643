"""Tests that move the load to the battery while the line is good: self test, simulated failure, calibration."""

from __future__ import annotations

from enum import Enum, IntEnum, auto

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import START, Instant, after


class TestKind(Enum):
    """The test that is under way."""

    NONE = auto()
    SELF_TEST = auto()
    SIMULATED_FAILURE = auto()
    CALIBRATION = auto()


class SelfTestResult(IntEnum):
    """Result of the last self test, with the numbers of upsAdvTestDiagnosticsResults."""

    OK = 1
    FAILED = 2
    INVALID = 3
    IN_PROGRESS = 4


class CalibrationResult(IntEnum):
    """Result of the last calibration, with the numbers of upsAdvTestCalibrationResults."""

    OK = 1
    INVALID = 2
    IN_PROGRESS = 3
    ABORTED = 5


DAY_S = 86_400


class Diagnostics:
    """At most one test at a time. Starts with the results of the profile's recording."""

    def __init__(self, profile: Profile) -> None:
        self._limits = profile.diagnostics
        self.running = TestKind.NONE
        self.battery_bad = False
        last = profile.last_tests
        self.result, self.tested_on = SelfTestResult(last.self_test), last.self_test_date
        self.calibration, self.calibrated_on = CalibrationResult(last.calibration), last.calibration_date
        self.began: Instant | None = None  # the latest test
        self.ended: Instant | None = None  # likewise, unless it still runs
        self._until: Instant | None = None
        self._last: Instant = START  # of the last self test, tried or made

    def scheduled(self, schedule: int) -> Instant | None:
        """Return when the UPS tests itself next by its schedule; None when it never does."""
        days = self._limits.schedule_days.get(schedule)
        return None if days is None else after(self._last, days * DAY_S)

    @property
    def active(self) -> bool:
        """True while the battery feeds the load although the line is good."""
        return self.running is not TestKind.NONE

    def start(self, test: TestKind, now: Instant, charge: float, *, on_line: bool) -> bool:
        """Begin a test; False, with an invalid result where there is one, when it cannot run now."""
        possible = on_line and not self.active
        if test is TestKind.SELF_TEST:
            self._last = now
        if test is TestKind.SELF_TEST and (not possible or charge < self._limits.least_charge):
            self.result = SelfTestResult.INVALID
            return False
        if test is TestKind.CALIBRATION and (not possible or charge < 1):
            self.calibration = CalibrationResult.INVALID
            return False
        if not possible:
            return False
        self.running = test
        self.began, self.ended = now, None
        if test is TestKind.CALIBRATION:
            self.calibration = CalibrationResult.IN_PROGRESS
        elif test is TestKind.SELF_TEST:
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
        self.running, self._until, self.ended = TestKind.NONE, None, now
        if was is TestKind.SELF_TEST:
            self.result = SelfTestResult.INVALID
        elif was is TestKind.CALIBRATION:
            self.calibration = CalibrationResult.ABORTED
        return was is TestKind.CALIBRATION

    def advance(self, now: Instant, charge: float, date: str) -> Trap | None:
        """End what is due at `now`, marked with `date`; returns the trap of its end, if it has one."""
        if self.running is TestKind.CALIBRATION and charge <= self._limits.calibration_ends + 1e-9:
            self.running, self.calibration, self.calibrated_on = TestKind.NONE, CalibrationResult.OK, date
            self.ended = now
            return Trap.CALIBRATION_END
        if self._until is None or self._until > now:
            return None
        was, self.running, self._until, self.ended = self.running, TestKind.NONE, None, now
        if was is not TestKind.SELF_TEST:
            return None
        self.tested_on = date
        self.result = SelfTestResult.FAILED if self.battery_bad else SelfTestResult.OK
        return Trap.DIAGNOSTICS_FAILED if self.battery_bad else Trap.DIAGNOSTICS_PASSED

    @property
    def due(self) -> Instant | None:
        """The end of the test under way, where its length is fixed."""
        return self._until

    @property
    def calibration_level(self) -> float | None:
        """Charge at which the calibration under way ends."""
        return self._limits.calibration_ends if self.running is TestKind.CALIBRATION else None
