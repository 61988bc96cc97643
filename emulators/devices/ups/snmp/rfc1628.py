"""Tests, control and alarms of RFC 1628: a second way to the same UPS."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.snmp import Applier, Getter, Instance
from ridethrough.emulators.devices.ups.controls import CONSERVE, OFF, REBOOT_ANYWAY, Return
from ridethrough.emulators.devices.ups.diagnostics import Kind, SelfTestResult
from ridethrough.emulators.devices.ups.snmp.rows import OK, Live, Rows, always, numbers
from ridethrough.emulators.devices.ups.switching import NEVER_S
from ridethrough.emulators.kernel.instant import Instant, ticks_between
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Tag, Value

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.card.card import Card
    from ridethrough.emulators.devices.ups.model import Ups

UPS_MIB = Oid.parse("1.3.6.1.2.1.33.1")
TESTS = UPS_MIB.child(7, 7)
NO_TEST, ABORT, GENERAL, QUICK, DEEP = (TESTS.child(number) for number in range(1, 6))
KINDS = {GENERAL: Kind.SELF_TEST, QUICK: Kind.SELF_TEST, DEEP: Kind.CALIBRATION}
PASS, WARN, ERROR, IN_PROGRESS = 1, 2, 3, 5  # upsTestResultsSummary
SUMMARY = {SelfTestResult.OK: PASS, SelfTestResult.FAILED: ERROR, SelfTestResult.INVALID: WARN}
LONGEST_REBOOT_S = 300
AUTO_RESTART_ON = 1
LARGEST = 0x7FFFFFFF


# --- tests (section 4.8) --------------------------------------------------------------------------------------


def _check_test(_card: Card, value: Value, _now: Instant) -> ErrorStatus:
    return OK if value in (NO_TEST, ABORT, *KINDS) else ErrorStatus.WRONG_VALUE


def _start_test(card: Card, value: Value, now: Instant) -> None:
    card.written["upsTestId.0"] = value
    if value == ABORT:
        card.ups.abort_test(now)
    elif isinstance(value, Oid) and (kind := KINDS.get(value)) is not None:
        card.ups.test(kind, now)


def _spin_check(card: Card, value: Value, _now: Instant) -> ErrorStatus:
    # TestAndIncr (RFC 2579): only who read the lock may turn it.
    return OK if value == card.written.get("upsTestSpinLock.0", 1) else ErrorStatus.INCONSISTENT_VALUE


def _spin(card: Card, value: Value, _now: Instant) -> None:
    if isinstance(value, int):
        card.written["upsTestSpinLock.0"] = 0 if value == LARGEST else value + 1


def _summary(card: Card, _now: Instant) -> Value:
    diagnostics = card.ups.diagnostics
    return IN_PROGRESS if diagnostics.active else SUMMARY.get(diagnostics.result, WARN)


def _started(card: Card, _now: Instant) -> Value:
    began = card.ups.diagnostics.began
    return 0 if began is None else card.uptime_ticks(began)


def _elapsed(card: Card, now: Instant) -> Value:
    began, ended = card.ups.diagnostics.began, card.ups.diagnostics.ended
    return 0 if began is None else ticks_between(began, now if ended is None else ended)


# --- control (section 4.9) ------------------------------------------------------------------------------------


def _shutdown(card: Card, value: Value, now: Instant) -> None:
    switching = card.ups.switching
    if value == NEVER_S:
        switching.abort()
    elif isinstance(value, int):
        restarts = card.number("upsAutoRestart.0") == AUTO_RESTART_ON
        if not switching.off:
            switching.begin(CONSERVE if restarts else OFF, now, delay_s=value)


def _startup(card: Card, value: Value, now: Instant) -> None:
    switching = card.ups.switching
    if switching.off and isinstance(value, int):
        if value == NEVER_S:
            switching.wake_at = None
        else:
            switching.turn_on(now, value)


def _reboot(card: Card, value: Value, now: Instant) -> None:
    switching = card.ups.switching
    if value == NEVER_S:
        switching.abort()
    elif isinstance(value, int):
        switching.begin(REBOOT_ANYWAY, now, delay_s=0, time_s=value)


def _whole(seconds: float | None) -> int:
    return NEVER_S if seconds is None else int(seconds)


def _reboot_left(card: Card, now: Instant) -> Value:
    order = card.ups.switching.order
    timed = order is not None and order.returns is Return.TIME
    return _whole(card.ups.switching.on_in_s(now)) if timed else NEVER_S


def _countdown(get: Getter, top: int, apply: Applier) -> Live:
    return get, numbers(lambda _card, value: NEVER_S <= value <= top), apply


RFC1628_ROWS: Rows = {
    "upsTestId.0": (lambda card, _now: card.written.get("upsTestId.0", QUICK), _check_test, _start_test),
    "upsTestSpinLock.0": (lambda card, _now: card.written.get("upsTestSpinLock.0", 1), _spin_check, _spin),
    "upsTestResultsSummary.0": (_summary, None, None),
    "upsTestStartTime.0": (_started, None, None),
    "upsTestElapsedTime.0": (_elapsed, None, None),
    "upsShutdownAfterDelay.0": _countdown(
        lambda card, now: _whole(card.ups.switching.off_in_s(now)), LARGEST, _shutdown
    ),
    "upsStartupAfterDelay.0": _countdown(lambda card, now: _whole(card.ups.switching.on_in_s(now)), LARGEST, _startup),
    "upsRebootWithDuration.0": _countdown(_reboot_left, LONGEST_REBOOT_S, _reboot),
}

# --- alarms (section 4.7) -------------------------------------------------------------------------------------

ALARMS: dict[int, Callable[[Ups], bool]] = {
    1: lambda ups: ups.replace_battery,
    2: lambda ups: ups.on_battery,
    3: lambda ups: ups.battery.low,
    5: lambda ups: ups.too_warm,
    6: lambda ups: not ups.line.good,
    8: lambda ups: ups.overloaded,
    9: lambda ups: bool(ups.bypass),
    13: lambda ups: "charger" in ups.troubles,
    14: lambda ups: not ups.output_on,
    20: lambda ups: not ups.link_up,
    22: lambda ups: ups.in_grace,
    24: lambda ups: ups.diagnostics.active,
}


class AlarmTable:
    """Active alarms, each with the number it got and the uptime at which it appeared."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int, int]] = {}  # well-known alarm to (upsAlarmId, upsAlarmTime)
        self._next = 1

    def update(self, ups: Ups, uptime_ticks: int) -> bool:
        """Take up what began and drop what ended; True when the table changed."""
        active = {number for number, present in ALARMS.items() if present(ups)}
        changed = active != self.rows.keys()
        for number in self.rows.keys() - active:
            del self.rows[number]
        for number in sorted(active - self.rows.keys()):
            self.rows[number] = (self._next, uptime_ticks)
            self._next += 1
        return changed

    def instances(self) -> list[Instance]:
        """The rows as a card shows them."""
        entry, alarms = UPS_MIB.child(6, 2, 1), UPS_MIB.child(6, 3)
        rows: list[Instance] = []
        for number, (identity, ticks) in self.rows.items():
            rows.append(Instance(entry.child(2, identity), Tag.OBJECT_IDENTIFIER, always(alarms.child(number))))
            rows.append(Instance(entry.child(3, identity), Tag.TIME_TICKS, always(ticks)))
        return rows
