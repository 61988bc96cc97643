"""The repository of sensor data records (IPMI 2.0 section 33), and the same as device records (35). It is read-only."""

from __future__ import annotations

from functools import lru_cache

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import EVENT, OPERATOR, STORAGE, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire import sdr
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

VERSION = 0x51
RESERVATIONS = 0x23  # non-modal update, reservation, allocation information
FULL_REPOSITORY = bytes(2)
UNIT = 64  # octets of an allocation unit
UNIT_0 = 0x01


@lru_cache(maxsize=64)
def _records(sensors: tuple[sdr.Sensor, ...], name: str) -> tuple[bytes, ...]:
    """All records; those of controllers alike are the same objects."""
    rows = [sdr.encode(number, sensor) for number, sensor in enumerate(sensors, start=1)]
    return (*rows, sdr.encode_controller(len(rows) + 1, name))


def repository(bmc: Bmc) -> tuple[bytes, ...]:
    """The records of a controller, in order."""
    return _records(tuple(bmc.sensors.by_number.values()), bmc.profile.profile[:16])


def get_sdr_repository_info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SDR Repository Info (section 33.9)."""
    count = len(repository(bmc)).to_bytes(2, "little")
    return ok(bytes((VERSION,)) + count + FULL_REPOSITORY + bytes(8) + bytes((RESERVATIONS,)))


def get_sdr_allocation_info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SDR Repository Allocation Info (section 33.10)."""
    units = sum(-(-len(record) // UNIT) for record in repository(bmc))
    return ok(units.to_bytes(2, "little") + UNIT.to_bytes(2, "little") + bytes(4) + b"\x01")


def reserve_sdr_repository(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Reserve SDR Repository and Reserve Device SDR Repository (sections 33.11 and 35.4)."""
    return ok(bmc.sensors.reserve().to_bytes(2, "little"))


def get_sdr(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get SDR and Get Device SDR (sections 33.12 and 35.3)."""
    reservation, record_id, offset, count = little(data[:2]), little(data[2:4]), data[4], data[5]
    records = repository(bmc)
    if offset and reservation != bmc.sensors.reservation:
        return refuse(Completion.RESERVATION_CANCELED)
    index = {0: 0, 0xFFFF: len(records) - 1}.get(record_id, record_id - 1)
    if not 0 <= index < len(records):
        return refuse(Completion.NOT_PRESENT)
    record = records[index]
    if offset >= len(record):
        return refuse(Completion.OUT_OF_RANGE)
    following = index + 2 if index + 1 < len(records) else 0xFFFF
    return ok(following.to_bytes(2, "little") + record[offset : offset + count])


def get_device_sdr_info(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Device SDR Info (section 35.2)."""
    # Operation 1 asks for records, which are as many; static, all on unit 0.
    count = len(repository(bmc)) if data and data[0] & 1 else len(bmc.sensors.by_number)
    return ok(bytes((count, UNIT_0)))


def get_sdr_repository_time(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get SDR Repository Time (section 33.17)."""
    return ok(bmc.clock_s().to_bytes(4, "little"))


def set_sdr_repository_time(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set SDR Repository Time (section 33.18)."""
    bmc.set_clock(little(data))
    return ok()


ROWS: Table = {
    (EVENT, 0x20, 0): IpmiCommand("Get Device SDR Info", USER, 0, 1, get_device_sdr_info),
    (EVENT, 0x21, 0): IpmiCommand("Get Device SDR", USER, 6, 6, get_sdr),
    (EVENT, 0x22, 0): IpmiCommand("Reserve Device SDR Repository", USER, 0, 0, reserve_sdr_repository),
    (STORAGE, 0x20, 0): IpmiCommand("Get SDR Repository Info", USER, 0, 0, get_sdr_repository_info),
    (STORAGE, 0x21, 0): IpmiCommand("Get SDR Repository Allocation Info", USER, 0, 0, get_sdr_allocation_info),
    (STORAGE, 0x22, 0): IpmiCommand("Reserve SDR Repository", USER, 0, 0, reserve_sdr_repository),
    (STORAGE, 0x23, 0): IpmiCommand("Get SDR", USER, 6, 6, get_sdr),
    (STORAGE, 0x28, 0): IpmiCommand("Get SDR Repository Time", USER, 0, 0, get_sdr_repository_time),
    (STORAGE, 0x29, 0): IpmiCommand("Set SDR Repository Time", OPERATOR, 4, 4, set_sdr_repository_time, changes=True),
}
