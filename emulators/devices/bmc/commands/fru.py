"""FRU inventory (IPMI 2.0 section 34)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import OPERATOR, STORAGE, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

BY_OCTETS = b"\x00"
MAX_COUNT = 64  # octets in one answer, so that it fits every client's buffer


def get_fru_inventory_area_info(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get FRU Inventory Area Info (section 34.1)."""
    if data[0] != 0:
        return refuse(Completion.NOT_PRESENT)
    return ok(len(bmc.inventory).to_bytes(2, "little") + BY_OCTETS)


def read_fru_data(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Read FRU Data (section 34.2)."""
    if data[0] != 0:
        return refuse(Completion.NOT_PRESENT)
    offset, count = little(data[1:3]), data[3]
    if offset >= len(bmc.inventory):
        return refuse(Completion.OUT_OF_RANGE)
    if count > MAX_COUNT:
        return refuse(Completion.CANNOT_RETURN)
    octets = bmc.inventory[offset : offset + count]
    return ok(bytes((len(octets),)) + octets)


def write_fru_data(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Write FRU Data (section 34.3)."""
    if data[0] != 0:
        return refuse(Completion.NOT_PRESENT)
    offset, octets = little(data[1:3]), data[3:]
    if offset + len(octets) > len(bmc.inventory):
        return refuse(Completion.OUT_OF_RANGE)
    bmc.inventory = bmc.inventory[:offset] + octets + bmc.inventory[offset + len(octets) :]
    return ok(bytes((len(octets),)))


ROWS: Table = {
    (STORAGE, 0x10, 0): IpmiCommand("Get FRU Inventory Area Info", USER, 1, 1, get_fru_inventory_area_info),
    (STORAGE, 0x11, 0): IpmiCommand("Read FRU Data", USER, 4, 4, read_fru_data),
    (STORAGE, 0x12, 0): IpmiCommand("Write FRU Data", OPERATOR, 4, 67, write_fru_data, changes=True),
}
