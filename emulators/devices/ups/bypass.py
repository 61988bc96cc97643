"""The path round the inverter, of models that have one."""

from __future__ import annotations

from enum import IntEnum

from ridethrough.emulators.devices.ups.traps import Trap


class Bypass(IntEnum):
    """Why the load hangs on the bare line; the values are those of upsBasicOutputStatus."""

    NONE = 0
    SOFTWARE = 6
    SWITCHED = 9
    HARDWARE = 10


BEGINS = {
    Bypass.SOFTWARE: Trap.SOFTWARE_BYPASS,
    Bypass.SWITCHED: Trap.SWITCHED_BYPASS,
    Bypass.HARDWARE: Trap.HARDWARE_BYPASS,
}
# Positions in upsBasicStateOutputState.
FLAGS = {Bypass.SWITCHED: 12, Bypass.SOFTWARE: 13, Bypass.HARDWARE: 14}
