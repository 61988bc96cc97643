"""The levels between a server and its BMC."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class AcLink(StrEnum):
    """The act of a server when its supply returns (BIOS AC-LINK; power restore policy of IPMI 2.0 section 28.8)."""

    OFF = "off"
    LAST = "last"
    ON = "on"


class OsState(StrEnum):
    """Life of the operating system."""

    OFF = "off"
    BOOTING = "booting"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    HUNG = "hung"


class ChassisControl(IntEnum):
    """Chassis Control (IPMI 2.0 table 28-4)."""

    POWER_DOWN = 0
    POWER_UP = 1
    POWER_CYCLE = 2
    HARD_RESET = 3
    DIAGNOSTIC_INTERRUPT = 4
    SOFT_SHUTDOWN = 5


class RestartCause(IntEnum):
    """System restart cause (IPMI 2.0 table 28-11)."""

    UNKNOWN = 0
    CHASSIS_CONTROL = 1
    POWER_BUTTON = 3
    WATCHDOG = 4
    AC_ALWAYS = 6
    AC_PREVIOUS = 7
    PEF_RESET = 8
    PEF_CYCLE = 9


class ChassisOrder(NamedTuple):
    """The latest order of the BMC. A new `serial` makes it new, so that an order repeated is two orders."""

    serial: int
    action: ChassisControl
    cause: RestartCause
    cycle_s: float = 5.0
    """Time for which a power cycle keeps the power off."""


class HostState(NamedTuple):
    """The state of a server, as its BMC sees it."""

    powered: bool = False
    os: OsState = OsState.OFF
    cause: RestartCause = RestartCause.UNKNOWN
    load_w: float = 0.0


class OsTask(StrEnum):
    """A task that software may order of an operating system."""

    SHUTDOWN = "shutdown"
    REBOOT = "reboot"


class OsOrder(NamedTuple):
    """The latest order to an operating system. A new `serial` makes it new."""

    serial: int
    task: OsTask
