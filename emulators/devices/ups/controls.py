"""What each control object makes the UPS do, as a table."""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import NamedTuple

from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.wire.snmp import ErrorStatus


class Status(IntEnum):
    """upsBasicOutputStatus."""

    UNKNOWN = 1
    ON_LINE = 2
    ON_BATTERY = 3
    ON_SMART_BOOST = 4
    TIMED_SLEEPING = 5
    SOFTWARE_BYPASS = 6
    OFF = 7
    REBOOTING = 8
    SWITCHED_BYPASS = 9
    HARDWARE_BYPASS = 10
    SLEEPING_UNTIL_POWER_RETURN = 11
    ON_SMART_TRIM = 12


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
    TIME = auto()  # a short time, with or without input


class Order(NamedTuple):
    """One value of one control object."""

    when: When
    grace: bool  # wait the shutoff delay first
    status: Status  # shown while the outlets are off
    returns: Return
    off_trap: Trap
    on_trap: Trap
    refusal: ErrorStatus | None = None  # error outside `when`; None: accepted without effect
    clients: bool = False  # wait first for the slowest PowerChute client


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

REBOOT_ANYWAY = Order(When.ANY, False, Status.REBOOTING, Return.TIME, Trap.REBOOT_STARTED, Trap.TURNED_ON)

SWITCH_OFF: dict[tuple[str, int], Order] = {
    ("upsBasicControlConserveBattery", 2): CONSERVE,
    ("upsAdvControlUpsOff", 2): OFF,
    ("upsAdvControlUpsOff", 3): OFF._replace(grace=True, clients=True),
    ("upsAdvControlRebootShutdownUps", 2): REBOOT,
    ("upsAdvControlRebootShutdownUps", 3): REBOOT._replace(clients=True),
    ("upsAdvControlUpsSleep", 2): SLEEP,
    ("upsAdvControlUpsSleep", 3): SLEEP._replace(clients=True),
    ("upsAdvControlRebootUpsWithOrWithoutAC", 2): REBOOT_ANYWAY,
    ("upsAdvControlRebootUpsWithOrWithoutAC", 3): REBOOT_ANYWAY._replace(grace=True),
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
# Refused by models without one.
BYPASS = "upsAdvControlBypassSwitch"
INTO_BYPASS, OUT_OF_BYPASS = 2, 3
CONTROLS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(name for name, _ in (*SWITCH_OFF, *SWITCH_ON, SELF_TEST, SIMULATE_FAILURE, CALIBRATE)),
            LAMP_TEST,
            BYPASS,
        )
    )
)
