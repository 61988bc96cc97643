"""The path round the inverter, of models that have one."""

from __future__ import annotations

from enum import IntEnum

from ridethrough.emulators.devices.ups.traps import Trap


class Bypass(IntEnum):
    """Reason for which the bare line feeds the load, with the numbers of upsBasicOutputStatus."""

    NONE = 0
    SOFTWARE = 6
    SWITCHED = 9
    HARDWARE = 10


BYPASS_TRAPS = {
    Bypass.SOFTWARE: Trap.SOFTWARE_BYPASS,
    Bypass.SWITCHED: Trap.SWITCHED_BYPASS,
    Bypass.HARDWARE: Trap.HARDWARE_BYPASS,
}
