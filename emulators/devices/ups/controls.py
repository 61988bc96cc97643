"""The control objects: what each of their values makes the UPS do, as a table.

A value that is in no row is accepted and does nothing, as are commands that do not apply in the present state, unless
their row names a refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from ridethrough.emulators.devices.ups.bypass import Bypass
from ridethrough.emulators.devices.ups.diagnostics import TestKind
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.shutdown_modes import (
    CONSERVE,
    OFF,
    OFF_GRACEFULLY,
    REBOOT,
    REBOOT_ANYWAY,
    SLEEP,
    ShutdownMode,
)
from ridethrough.emulators.kernel.instant import Instant


class ControlRefusal(Enum):
    """Reason for which a command is refused."""

    NOT_ON_BATTERY = auto()
    NO_BYPASS = auto()  # the model has none


def _never(_ups: Ups) -> ControlRefusal | None:
    return None


class ControlAction(NamedTuple):
    """The act of one value of a control object. `refuse` names the reason for which it would not be taken now."""

    execute: Callable[[Ups, Instant], None]
    refuse: Callable[[Ups], ControlRefusal | None] = _never


def _off(mode: ShutdownMode) -> ControlAction:
    return ControlAction(lambda ups, now: ups.switch_off(mode, now))


def _on(*, delayed: bool) -> ControlAction:
    return ControlAction(lambda ups, now: ups.switch_on(now, delayed=delayed))


def _test(kind: TestKind) -> ControlAction:
    return ControlAction(lambda ups, now: ups.start_test(kind, now))


def _not_on_battery(ups: Ups) -> ControlRefusal | None:
    return None if ups.applies(CONSERVE) else ControlRefusal.NOT_ON_BATTERY


def _no_bypass(ups: Ups) -> ControlRefusal | None:
    return None if ups.profile.bypass else ControlRefusal.NO_BYPASS


def _into_bypass(ups: Ups, now: Instant) -> None:
    if ups.output_on and not ups.bypass:
        ups.enter_bypass(Bypass.SOFTWARE, now)


def _out_of_bypass(ups: Ups, now: Instant) -> None:
    if ups.bypass is Bypass.SOFTWARE:
        ups.leave_bypass(now)


ACTIONS: dict[tuple[str, int], ControlAction] = {
    ("upsBasicControlConserveBattery", 2): _off(CONSERVE)._replace(refuse=_not_on_battery),
    ("upsAdvControlUpsOff", 2): _off(OFF),
    ("upsAdvControlUpsOff", 3): _off(OFF_GRACEFULLY),
    ("upsAdvControlRebootShutdownUps", 2): _off(REBOOT),
    ("upsAdvControlRebootShutdownUps", 3): _off(REBOOT._replace(waits_for_clients=True)),
    ("upsAdvControlUpsSleep", 2): _off(SLEEP),
    ("upsAdvControlUpsSleep", 3): _off(SLEEP._replace(waits_for_clients=True)),
    ("upsAdvControlRebootUpsWithOrWithoutAC", 2): _off(REBOOT_ANYWAY),
    ("upsAdvControlRebootUpsWithOrWithoutAC", 3): _off(REBOOT_ANYWAY._replace(graceful=True)),
    ("upsAdvControlTurnOnUPS", 2): _on(delayed=False),
    ("upsAdvControlTurnOnUPS", 4): _on(delayed=True),
    ("upsAdvTestDiagnostics", 2): _test(TestKind.SELF_TEST),
    ("upsAdvControlSimulatePowerFail", 2): _test(TestKind.SIMULATED_FAILURE),
    ("upsAdvTestRuntimeCalibration", 2): _test(TestKind.CALIBRATION),
    ("upsAdvTestRuntimeCalibration", 3): ControlAction(Ups.cancel_calibration),
    ("upsAdvControlBypassSwitch", 2): ControlAction(_into_bypass, _no_bypass),
    ("upsAdvControlBypassSwitch", 3): ControlAction(_out_of_bypass, _no_bypass),
}
LED_TEST = "upsAdvControlFlashAndBeep"  # LEDs and beeper: nothing of it shows on the network
CONTROLS: tuple[str, ...] = (*dict.fromkeys(name for name, _ in ACTIONS), LED_TEST)


def check_control(ups: Ups, control: str, value: int) -> ControlRefusal | None:
    """Return why a command would be refused now; None when it would be accepted."""
    action = ACTIONS.get((control, value))
    return None if action is None else action.refuse(ups)


def execute_control(ups: Ups, control: str, value: int, now: Instant) -> None:
    """Carry out a command; one that does not apply now has no effect."""
    action = ACTIONS.get((control, value))
    if action is not None:
        action.execute(ups, now)
