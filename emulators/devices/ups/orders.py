"""What each control object makes the UPS do, as a table."""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import NamedTuple

from wire.snmp import ErrorStatus


class Status(IntEnum):
    """upsBasicOutputStatus."""

    UNKNOWN = 1
    ON_LINE = 2
    ON_BATTERY = 3
    ON_SMART_BOOST = 4
    TIMED_SLEEPING = 5
    OFF = 7
    REBOOTING = 8
    SLEEPING_UNTIL_POWER_RETURN = 11
    ON_SMART_TRIM = 12


class Trap(IntEnum):
    """Specific numbers of the traps this model sends."""

    COMMUNICATION_LOST = 1
    OVERLOAD = 2
    DIAGNOSTICS_FAILED = 3
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
    CALIBRATION_START = 28
    RESTART_AGENT = 29
    TURNED_ON = 30
    TRIM_ON = 31
    OVERLOAD_CLEARED = 33
    BOOST_OFF = 34
    TRIM_OFF = 35
    BATTERY_REPLACED = 36
    CALIBRATION_END = 37


TEXTS: dict[Trap, str] = {
    Trap.COMMUNICATION_LOST: "UPS: Lost the serial link to the UPS.",
    Trap.ON_BATTERY: "UPS: On battery power because the input failed.",
    Trap.LOW_BATTERY: "UPS: The battery is low.",
    Trap.COMMUNICATION_ESTABLISHED: "UPS: The serial link to the UPS is up.",
    Trap.POWER_RESTORED: "UPS: No longer on battery power.",
    Trap.RETURN_FROM_LOW_BATTERY: "UPS: The battery is no longer low.",
    Trap.TURNED_OFF: "UPS: The outlets are off.",
    Trap.SLEEPING: "UPS: The outlets are asleep.",
    Trap.WOKE_UP: "UPS: The outlets are awake again.",
    Trap.REBOOT_STARTED: "UPS: A reboot has begun.",
    Trap.RESTART_AGENT: "System: The agent restarts.",
    Trap.TURNED_ON: "UPS: The outlets are on.",
    Trap.OVERLOAD: "UPS: The load exceeds the rating.",
    Trap.OVERLOAD_CLEARED: "UPS: The load is within the rating.",
    Trap.DIAGNOSTICS_FAILED: "UPS: A self test failed.",
    Trap.DIAGNOSTICS_PASSED: "UPS: A self test passed.",
    Trap.BOOST_ON: "UPS: Raising a low input voltage.",
    Trap.BOOST_OFF: "UPS: No longer raising the input voltage.",
    Trap.TRIM_ON: "UPS: Lowering a high input voltage.",
    Trap.TRIM_OFF: "UPS: No longer lowering the input voltage.",
    Trap.REPLACE_BATTERY: "UPS: The battery needs to be replaced.",
    Trap.BATTERY_REPLACED: "UPS: The battery was replaced.",
    Trap.CALIBRATION_START: "UPS: A runtime calibration has begun.",
    Trap.CALIBRATION_END: "UPS: The runtime calibration has ended.",
}


class When(Enum):
    """State in which an order is accepted; in any other it is without effect, or refused."""

    ANY = auto()
    ON_BATTERY = auto()
    OUTPUT_ON = auto()
    OUTPUT_OFF = auto()


class Return(Enum):
    """What brings the outlets back."""

    NEVER = auto()  # an order or the button
    INPUT = auto()  # good input, minimum charge, return delay
    SLEEP = auto()  # the sleep time first, then as INPUT


class Order(NamedTuple):
    """One value of one control object."""

    when: When
    grace: bool  # wait the shutoff delay first
    status: Status  # shown while the outlets are off
    returns: Return
    off_trap: Trap
    on_trap: Trap
    refusal: ErrorStatus | None = None  # error outside `when`; None: accepted without effect


CONSERVE = Order(
    When.ON_BATTERY,
    grace=True,
    status=Status.SLEEPING_UNTIL_POWER_RETURN,
    returns=Return.INPUT,
    off_trap=Trap.SLEEPING,
    on_trap=Trap.WOKE_UP,
    refusal=ErrorStatus.GEN_ERR,  # as a real AP9617 answers; badValue in version 1 by the MIB
)
OFF = Order(When.OUTPUT_ON, False, Status.OFF, Return.NEVER, Trap.TURNED_OFF, Trap.TURNED_ON)
REBOOT = Order(When.ANY, True, Status.REBOOTING, Return.INPUT, Trap.REBOOT_STARTED, Trap.TURNED_ON)
SLEEP = Order(When.ANY, True, Status.TIMED_SLEEPING, Return.SLEEP, Trap.SLEEPING, Trap.WOKE_UP)
# An empty battery ends like an order to conserve it, without the grace.
EXHAUSTED = CONSERVE._replace(grace=False)

# The graceful forms first wait for the slowest PowerChute client; this card knows none, so that wait is nil.
SWITCH_OFF: dict[tuple[str, int], Order] = {
    ("upsBasicControlConserveBattery", 2): CONSERVE,
    ("upsAdvControlUpsOff", 2): OFF,
    ("upsAdvControlUpsOff", 3): OFF._replace(grace=True),
    ("upsAdvControlRebootShutdownUps", 2): REBOOT,
    ("upsAdvControlRebootShutdownUps", 3): REBOOT,
    ("upsAdvControlUpsSleep", 2): SLEEP,
    ("upsAdvControlUpsSleep", 3): SLEEP,
}
# Value to whether the return delay is waited for first.
SWITCH_ON: dict[tuple[str, int], bool] = {
    ("upsAdvControlTurnOnUPS", 2): False,
    ("upsAdvControlTurnOnUPS", 4): True,
}
# Orders about the battery.
SELF_TEST = ("upsAdvTestDiagnostics", 2)
SIMULATE_FAILURE = ("upsAdvControlSimulatePowerFail", 2)
CALIBRATE = ("upsAdvTestRuntimeCalibration", 2)
CANCEL_CALIBRATION = ("upsAdvTestRuntimeCalibration", 3)
# Lamp and beeper: taken, with nothing to see on the network.
LAMP_TEST = "upsAdvControlFlashAndBeep"
# Line-interactive models have no bypass to switch to.
BYPASS = "upsAdvControlBypassSwitch"
CONTROLS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(name for name, _ in (*SWITCH_OFF, *SWITCH_ON, SELF_TEST, SIMULATE_FAILURE, CALIBRATE)),
            LAMP_TEST,
            BYPASS,
        )
    )
)
