"""The ways in which the outlets go off and come back, as a table."""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import NamedTuple

from ridethrough.emulators.devices.ups.traps import Trap


class OutputStatus(IntEnum):
    """State of the output, with the numbers of upsBasicOutputStatus."""

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


class Precondition(Enum):
    """State of the UPS in which a shutdown can begin; in any other it has no effect."""

    NONE = auto()
    ON_BATTERY = auto()
    OUTPUT_ON = auto()


class ReturnOn(Enum):
    """The event that brings the outlets back."""

    COMMAND = auto()  # a command or the button
    INPUT = auto()  # good input, then minimum charge, then the return delay
    SLEEP = auto()  # the sleep time first, then as INPUT
    TIME = auto()  # a short time, with or without input


class ShutdownMode(NamedTuple):
    """One way of switching the outlets off. A graceful one waits for the shutoff delay first."""

    precondition: Precondition
    graceful: bool
    status: OutputStatus  # while the outlets are off
    returns: ReturnOn
    off_trap: Trap
    on_trap: Trap
    waits_for_clients: bool = False  # first for the slowest PowerChute client


CONSERVE = ShutdownMode(
    Precondition.ON_BATTERY,
    graceful=True,
    status=OutputStatus.SLEEPING_UNTIL_POWER_RETURN,
    returns=ReturnOn.INPUT,
    off_trap=Trap.SLEEPING,
    on_trap=Trap.WOKE_UP,
)
# An empty battery ends like a conserved one, without any delay.
EXHAUSTED = CONSERVE._replace(graceful=False)
OFF = ShutdownMode(Precondition.OUTPUT_ON, False, OutputStatus.OFF, ReturnOn.COMMAND, Trap.TURNED_OFF, Trap.TURNED_ON)
OFF_GRACEFULLY = OFF._replace(graceful=True, waits_for_clients=True)
REBOOT = ShutdownMode(
    Precondition.NONE, True, OutputStatus.REBOOTING, ReturnOn.INPUT, Trap.REBOOT_STARTED, Trap.TURNED_ON
)
SLEEP = ShutdownMode(Precondition.NONE, True, OutputStatus.TIMED_SLEEPING, ReturnOn.SLEEP, Trap.SLEEPING, Trap.WOKE_UP)
REBOOT_ANYWAY = REBOOT._replace(graceful=False, returns=ReturnOn.TIME)
