"""Boot options (IPMI 2.0 sections 28.12 and 28.13)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.boot import LENGTHS, MAILBOX
from ridethrough.emulators.devices.bmc.commands.common import CHASSIS, OPERATOR
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

UNSUPPORTED = 0x80
VERSION = 0x01
INVALID = 0x80


def set_system_boot_options(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set System Boot Options (section 28.12)."""
    parameter, value = data[0] & 0x7F, data[1:]
    if parameter not in LENGTHS and parameter != MAILBOX:
        return refuse(UNSUPPORTED)
    (bmc.boot.invalid.add if data[0] & INVALID else bmc.boot.invalid.discard)(parameter)
    if value and not bmc.boot.set(parameter, value, bmc.now):
        return refuse(Completion.INVALID_FIELD)
    return ok()


def get_system_boot_options(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get System Boot Options (section 28.13)."""
    parameter = data[0] & 0x7F
    if parameter not in LENGTHS and parameter != MAILBOX:
        return refuse(UNSUPPORTED)
    shown = parameter | (INVALID if parameter in bmc.boot.invalid else 0)
    return ok(bytes((VERSION, shown)) + bmc.boot.get(parameter, data[1]))


ROWS: Table = {
    (CHASSIS, 0x08, 0): IpmiCommand("Set System Boot Options", OPERATOR, 1, 18, set_system_boot_options, changes=True),
    (CHASSIS, 0x09, 0): IpmiCommand("Get System Boot Options", OPERATOR, 3, 3, get_system_boot_options),
}
