"""The system event log (IPMI 2.0 section 31)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import OPERATOR, STORAGE, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.sel import RECORD
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session
from ridethrough.wire.sel import SelRecord, decode_any

VERSION = 0x51
DELETE, RESERVATIONS, ALLOCATION, OVERFLOW = 0x08, 0x02, 0x01, 0x80
START, STATUS = 0xAA, 0x00
DONE = b"\x01"


def get_sel_info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SEL Info (section 31.2)."""
    log = bmc.events.log
    free = min(log.free * RECORD, 0xFFFE).to_bytes(2, "little")
    times = log.added_at.to_bytes(4, "little") + log.erased_at.to_bytes(4, "little")
    flags = DELETE | RESERVATIONS | ALLOCATION | (OVERFLOW if log.overflow else 0)
    return ok(bytes((VERSION,)) + len(log.records).to_bytes(2, "little") + free + times + bytes((flags,)))


def get_sel_allocation_info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SEL Allocation Info (section 31.3)."""
    free = bmc.events.log.free.to_bytes(2, "little")
    return ok(bmc.events.log.capacity.to_bytes(2, "little") + RECORD.to_bytes(2, "little") + free + free + b"\x01")


def reserve_sel(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Reserve SEL (section 31.4)."""
    return ok(bmc.events.log.reserve().to_bytes(2, "little"))


def get_sel_entry(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get SEL Entry (section 31.5)."""
    reservation, record_id, offset, count = little(data[:2]), little(data[2:4]), data[4], data[5]
    if offset and not bmc.events.log.reserved(reservation):
        return refuse(Completion.RESERVATION_CANCELED)
    found = bmc.events.log.find(record_id)
    if found is None:
        return refuse(Completion.NOT_PRESENT)
    record, following = found
    if offset >= len(record):
        return refuse(Completion.OUT_OF_RANGE)
    return ok(following.to_bytes(2, "little") + record[offset : offset + count])


def add_sel_entry(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Add SEL Entry (section 31.6)."""
    try:
        record = decode_any(data)
    except WireError:
        return refuse(Completion.INVALID_FIELD)
    if isinstance(record, SelRecord) or record.timestamp is not None:
        record = record._replace(timestamp=bmc.clock_s())
    number = bmc.events.log.add(record, bmc.clock_s())
    bmc.events.check_log_space(bmc.now)
    return refuse(Completion.OUT_OF_SPACE) if number is None else ok(number.to_bytes(2, "little"))


def delete_sel_entry(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Delete SEL Entry (section 31.8)."""
    if not bmc.events.log.reserved(little(data[:2])):
        return refuse(Completion.RESERVATION_CANCELED)
    number = bmc.events.log.delete(little(data[2:4]), bmc.clock_s())
    return refuse(Completion.NOT_PRESENT) if number is None else ok(number.to_bytes(2, "little"))


def clear_sel(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Clear SEL (section 31.9)."""
    if data[2:5] != b"CLR" or data[5] not in (STATUS, START):
        return refuse(Completion.INVALID_FIELD)
    if not bmc.events.log.reserved(little(data[:2])):
        return refuse(Completion.RESERVATION_CANCELED)
    if data[5] == START:
        bmc.events.clear_log()
    return ok(DONE)


def get_sel_time(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SEL Time (section 31.10)."""
    return ok(bmc.clock_s().to_bytes(4, "little"))


def set_sel_time(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set SEL Time (section 31.11)."""
    bmc.set_clock(little(data))
    return ok()


def get_sel_time_utc_offset(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SEL Time UTC Offset (section 31.11a)."""
    return ok(bmc.settings.utc_offset_min.to_bytes(2, "little"))


def set_sel_time_utc_offset(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set SEL Time UTC Offset (section 31.11b)."""
    bmc.settings.utc_offset_min = little(data)
    return ok()


ROWS: Table = {
    (STORAGE, 0x40, 0): IpmiCommand("Get SEL Info", USER, 0, 0, get_sel_info),
    (STORAGE, 0x41, 0): IpmiCommand("Get SEL Allocation Info", USER, 0, 0, get_sel_allocation_info),
    (STORAGE, 0x42, 0): IpmiCommand("Reserve SEL", USER, 0, 0, reserve_sel),
    (STORAGE, 0x43, 0): IpmiCommand("Get SEL Entry", USER, 6, 6, get_sel_entry),
    (STORAGE, 0x44, 0): IpmiCommand("Add SEL Entry", OPERATOR, 16, 16, add_sel_entry, changes=True),
    (STORAGE, 0x46, 0): IpmiCommand("Delete SEL Entry", OPERATOR, 4, 4, delete_sel_entry, changes=True),
    (STORAGE, 0x47, 0): IpmiCommand("Clear SEL", OPERATOR, 6, 6, clear_sel, changes=True),
    (STORAGE, 0x48, 0): IpmiCommand("Get SEL Time", USER, 0, 0, get_sel_time),
    (STORAGE, 0x49, 0): IpmiCommand("Set SEL Time", OPERATOR, 4, 4, set_sel_time, changes=True),
    (STORAGE, 0x5C, 0): IpmiCommand("Get SEL Time UTC Offset", USER, 0, 0, get_sel_time_utc_offset),
    (STORAGE, 0x5D, 0): IpmiCommand("Set SEL Time UTC Offset", OPERATOR, 2, 2, set_sel_time_utc_offset, changes=True),
}
