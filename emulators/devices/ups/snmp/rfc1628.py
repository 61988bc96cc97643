"""Tests (section 4.8) and control (section 4.9) of RFC 1628: a second way to the same UPS."""

from __future__ import annotations

from ridethrough.emulators.devices.ups.diagnostics import SelfTestResult, TestKind
from ridethrough.emulators.devices.ups.shutdown_modes import CONSERVE, OFF, REBOOT_ANYWAY, ReturnOn
from ridethrough.emulators.devices.ups.snmp.rows import OK, RowAccess, Rows, numbers
from ridethrough.emulators.devices.ups.snmp.source import Applier, Getter, Source
from ridethrough.emulators.kernel.instant import Instant, ticks_between
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Value

TESTS = Oid.parse("1.3.6.1.2.1.33.1.7.7")  # upsWellKnownTests
NO_TEST, ABORT, GENERAL, QUICK, DEEP = (TESTS.child(number) for number in range(1, 6))
KINDS = {GENERAL: TestKind.SELF_TEST, QUICK: TestKind.SELF_TEST, DEEP: TestKind.CALIBRATION}
PASS, WARN, ERROR, IN_PROGRESS = 1, 2, 3, 5  # upsTestResultsSummary
SUMMARY = {SelfTestResult.OK: PASS, SelfTestResult.FAILED: ERROR, SelfTestResult.INVALID: WARN}
NEVER_S = -1  # no countdown runs
LONGEST_REBOOT_S = 300
AUTO_RESTART_ON = 1
LARGEST = 0x7FFFFFFF


def _check_test(_source: Source, value: Value, _now: Instant) -> ErrorStatus:
    return OK if value in (NO_TEST, ABORT, *KINDS) else ErrorStatus.WRONG_VALUE


def _start_test(source: Source, value: Value, now: Instant) -> None:
    source.card.stored.written["upsTestId.0"] = value
    if value == ABORT:
        source.ups.abort_test(now)
    elif isinstance(value, Oid) and (kind := KINDS.get(value)) is not None:
        source.ups.start_test(kind, now)


def _spin_check(source: Source, value: Value, _now: Instant) -> ErrorStatus:
    # TestAndIncr (RFC 2579): only who read the lock may turn it.
    return OK if value == source.card.stored.written.get("upsTestSpinLock.0", 1) else ErrorStatus.INCONSISTENT_VALUE


def _spin(source: Source, value: Value, _now: Instant) -> None:
    if isinstance(value, int):
        source.card.stored.written["upsTestSpinLock.0"] = 0 if value == LARGEST else value + 1


def _summary(source: Source, _now: Instant) -> Value:
    diagnostics = source.ups.diagnostics
    return IN_PROGRESS if diagnostics.active else SUMMARY.get(diagnostics.result, WARN)


def _started(source: Source, _now: Instant) -> Value:
    began = source.ups.diagnostics.began
    return 0 if began is None else source.card.uptime_ticks(began)


def _elapsed(source: Source, now: Instant) -> Value:
    began, ended = source.ups.diagnostics.began, source.ups.diagnostics.ended
    return 0 if began is None else ticks_between(began, now if ended is None else ended)


def _shutdown(source: Source, value: Value, now: Instant) -> None:
    switching = source.ups.switching
    if value == NEVER_S:
        switching.abort()
    elif isinstance(value, int):
        restarts = source.card.stored.number("upsAutoRestart.0") == AUTO_RESTART_ON
        if not switching.off:
            switching.begin(CONSERVE if restarts else OFF, now, delay_s=value)


def _startup(source: Source, value: Value, now: Instant) -> None:
    switching = source.ups.switching
    if switching.off and isinstance(value, int):
        if value == NEVER_S:
            switching.wake_at = None
        else:
            switching.turn_on(now, value)


def _reboot(source: Source, value: Value, now: Instant) -> None:
    switching = source.ups.switching
    if value == NEVER_S:
        switching.abort()
    elif isinstance(value, int):
        switching.begin(REBOOT_ANYWAY, now, delay_s=0, time_s=value)


def _whole(seconds: float | None) -> int:
    return NEVER_S if seconds is None else int(seconds)


def _reboot_left(source: Source, now: Instant) -> Value:
    mode = source.ups.switching.mode
    timed = mode is not None and mode.returns is ReturnOn.TIME
    return _whole(source.ups.switching.on_in_s(now)) if timed else NEVER_S


def _countdown(get: Getter, top: int, apply: Applier) -> RowAccess:
    permits = numbers(lambda _source, value: NEVER_S <= value <= top)
    return RowAccess(get, permits, apply, time_dependent=True)


RFC1628_ROWS: Rows = {
    "upsTestId.0": RowAccess(
        lambda source, _now: source.card.stored.written.get("upsTestId.0", QUICK), _check_test, _start_test
    ),
    "upsTestSpinLock.0": RowAccess(
        lambda source, _now: source.card.stored.written.get("upsTestSpinLock.0", 1), _spin_check, _spin
    ),
    "upsTestResultsSummary.0": RowAccess(_summary),
    "upsTestStartTime.0": RowAccess(_started),
    "upsTestElapsedTime.0": RowAccess(_elapsed, time_dependent=True),
    "upsShutdownAfterDelay.0": _countdown(
        lambda source, now: _whole(source.ups.switching.off_in_s(now)), LARGEST, _shutdown
    ),
    "upsStartupAfterDelay.0": _countdown(
        lambda source, now: _whole(source.ups.switching.on_in_s(now)), LARGEST, _startup
    ),
    "upsRebootWithDuration.0": _countdown(_reboot_left, LONGEST_REBOOT_S, _reboot),
}
