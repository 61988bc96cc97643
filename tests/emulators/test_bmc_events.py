"""Events of the BMC: what is logged, who is told, and what happens to the server."""

from __future__ import annotations

from typing import Any

import pytest

from ridethrough.emulators.devices.bmc.pef import DEFAULTS
from ridethrough.wire import pet
from ridethrough.wire.sel import SelRecord
from ridethrough.wire.snmp import TrapV1
from tests.emulators.rig import PLANT, Desk

EVENT, STORAGE, LAN = 0x04, 0x0A, 0x0C
SERVER = PLANT["servers"]["server1"]


def with_bmc(**changes: Any) -> dict[str, Any]:
    return PLANT | {"servers": {"server1": SERVER | {"bmc": SERVER["bmc"] | changes}}}


# Specific numbers of the reference table of platform events, and what the server does without the recovery link.
@pytest.mark.parametrize(
    ("fault", "specific", "state"),
    [
        ("memory_uncorrectable", 814849, "booting"),
        ("cpu_ierr", 487168, "booting"),
        ("cpu_thermal_trip", 487169, "off"),
        ("firmware_hang", 1011457, "booting"),
        ("front_panel_nmi", 1273600, "running"),
        ("fan_stop", 262402, "running"),
        ("temperature_critical", 65801, "running"),
        ("temperature_unrecoverable", 65803, "off"),
        ("supply_failed", 552705, "running"),
        ("power_unit_failed", 618246, "running"),
        ("watchdog_reset", 2322177, "booting"),
        ("os_stopped", 2125569, "booting"),
        ("chassis_opened", 356096, "running"),
    ],
)
def test_a_fault_is_logged_told_and_acted_on(fault: str, specific: int, state: str) -> None:
    desk = Desk()
    desk.at(3600)
    desk.inject("server1.bmc", fault)
    item = next(out for out in desk.bmc.outgoing if out.trap.specific_trap == specific)
    assert (item.receiver, item.community) == ("127.0.0.1", b"public")
    octets = item.trap.varbinds[0].value
    assert isinstance(octets, bytes)
    event = pet.decode(octets)
    records = [record for record in desk.bmc.model.events.log.records if isinstance(record, SelRecord)]
    record = next(r for r in records if r.event_data == event.event_data[:3] and r.sensor_number == event.sensor_number)
    assert record.timestamp == event.timestamp + pet.EPOCH_1998_S == 1_773_144_000 + 3600
    assert item.trap.time_stamp == 360_000
    assert desk.power() == state
    if state != "running" and fault != "watchdog_reset":
        acted = next(r for r in records if r.sensor_type == 0x12)
        assert acted.event_data[0] & 0x0F == 4  # "PEF action about to be taken", before it is taken
        assert records.index(acted) > records.index(record)
    causes = {"booting": 4 if fault == "watchdog_reset" else 8}
    if state in causes:
        assert desk.ok(0x00, 0x07)[0] == causes[state]


def test_readings_raise_and_clear_the_events_of_their_thresholds() -> None:
    desk = Desk()
    desk.inject("server1.bmc", "fan_stop")
    assert desk.ok(EVENT, 0x2D, b"\x03")[0] == 0
    assert desk.alerts() == [262400, 262402]
    desk.inject("server1.bmc", "clear")
    assert desk.ok(EVENT, 0x2D, b"\x03")[0] == 60
    assert desk.alerts() == [262528, 262530]
    event = desk.bmc.model.events.log.records[1]
    assert isinstance(event, SelRecord)
    assert event.event_data == bytes((0x52, 0, 5))


def test_hysteresis_holds_an_event_until_the_reading_is_well_back() -> None:
    desk = Desk()
    desk.ok(EVENT, 0x24, bytes((1, 0xFF, 3, 3)))
    desk.inject("server1.bmc", "inlet", "42")
    assert desk.alerts() == [65799]
    desk.inject("server1.bmc", "inlet", "40")
    assert desk.alerts() == []
    desk.inject("server1.bmc", "inlet", "39")
    assert desk.alerts() == [65927]


def test_a_threshold_that_a_manager_moved_counts() -> None:
    desk = Desk()
    assert desk.command(EVENT, 0x26, bytes((1, 0x01, 5, 0, 0, 0, 0, 0)))[0] == 0xCC  # it has no lower one
    desk.ok(EVENT, 0x26, bytes((1, 0x08, 0, 0, 0, 30, 0, 0)))
    assert desk.ok(EVENT, 0x27, b"\x01")[4] == 30
    desk.inject("server1.bmc", "inlet", "31")
    assert desk.alerts() == [65799]
    desk.ok(EVENT, 0x26, bytes((1, 0x08, 0, 0, 0, 40, 0, 0)))
    assert desk.alerts() == [65927]  # the controller scans all the time
    desk.ok(EVENT, 0x26, bytes((1, 0x08, 0, 0, 0, 25, 0, 0)))
    assert desk.alerts() == [65799]
    desk.ok(EVENT, 0x2A, bytes((1, 0)))
    assert desk.alerts() == [65799]  # armed again, and told again


def test_a_disabled_event_is_not_told() -> None:
    desk = Desk()
    desk.ok(EVENT, 0x28, bytes((1, 0xC0 | 0x20, 0x80, 0x00, 0x80, 0x00)))  # disable "upper non-critical going high"
    desk.inject("server1.bmc", "inlet", "43")
    assert desk.alerts() == []
    assert desk.bmc.model.events.log.records == []
    assert desk.ok(EVENT, 0x2D, b"\x01")[2] & 0x08


def test_what_cannot_be_read_raises_nothing() -> None:
    desk = Desk()
    desk.inject("server1", "power_button")
    desk.at(60)
    assert desk.power() == "off"
    assert desk.ok(EVENT, 0x2D, b"\x02")[1] & 0x20
    assert desk.alerts() == []


def test_the_warmer_the_air_the_warmer_the_processor_and_the_faster_the_fan() -> None:
    desk = Desk()
    cool = desk.ok(EVENT, 0x2D, b"\x02")[0], desk.ok(EVENT, 0x2D, b"\x03")[0]
    desk.inject("server1.bmc", "inlet", "32")
    warm = desk.ok(EVENT, 0x2D, b"\x02")[0], desk.ok(EVENT, 0x2D, b"\x03")[0]
    assert (warm[0] - cool[0], warm[1] - cool[1]) == (10, 10)


def test_a_filter_that_is_off_alerts_nobody() -> None:
    desk = Desk()
    at = next(i for i, row in enumerate(DEFAULTS, start=1) if row.sensor_type == 0x13 and 0 in row.offsets)
    desk.ok(EVENT, 0x12, bytes((7, at, 0x00)))
    desk.inject("server1.bmc", "front_panel_nmi")
    assert desk.alerts() == []
    assert len(desk.bmc.model.events.log.records) == 1


@pytest.mark.parametrize(
    ("octets", "matches"),
    [
        (bytes((0xFF, 0xFF, 0x00)), True),  # ED1 exactly 00h
        (bytes((0xFF, 0xFF, 0x01)), False),
        (bytes((0x00, 0x00, 0x00)), True),  # nothing compared
        (bytes((0x0F, 0x00, 0x0F)), True),  # of the inexact bits, the upper four agree
        (bytes((0xFF, 0x00, 0xFF)), False),  # no bit agrees
    ],
)
def test_masks_of_a_filter(octets: bytes, matches: bool) -> None:
    desk = Desk()
    row = bytes((40, 0x80, 0x01, 0x01, 0x10, 0xFF, 0xFF, 0x20, 0xFF, 0x6F, 0xFF, 0xFF)) + octets + bytes(6)
    for at in range(1, len(DEFAULTS) + 1):
        desk.ok(EVENT, 0x12, bytes((7, at, 0x00)))
    desk.ok(EVENT, 0x12, b"\x06" + row)
    assert desk.ok(EVENT, 0x13, bytes((6, 40, 0)))[1:] == row
    desk.ok(EVENT, 0x02, bytes((0x04, 0x20, 0x0F, 0x6F, 0x00)))
    assert bool(desk.alerts()) is matches


def test_an_event_from_outside_is_logged_filtered_and_told() -> None:
    desk = Desk()
    desk.ok(EVENT, 0x02, bytes((0x04, 0x01, 0x30, 0x01, 0x59, 0x60, 0x5F)))
    (record,) = desk.bmc.model.events.log.records
    assert isinstance(record, SelRecord)
    assert (record.generator_id, record.sensor_number, record.event_data) == (0x41, 0x30, b"\x59\x60\x5f")
    assert desk.alerts() == [65801]


def test_an_unacknowledged_alert_is_repeated_and_given_up() -> None:
    desk = Desk(with_bmc(alerts=[{"receiver": "127.0.0.9", "acknowledge": True, "timeout_s": 5, "retries": 3}]))
    desk.inject("server1.bmc", "front_panel_nmi")
    copies = []
    for second in range(0, 60, 5):
        desk.at(second)
        copies += desk.bmc.outgoing
        desk.bmc.outgoing.clear()
    assert len(copies) == 4
    assert len({out.trap for out in copies}) == 1
    assert desk.ok(EVENT, 0x16, bytes((1, 0x41, 0))) == b"\x03"  # no acknowledgement came


def test_an_acknowledged_alert_is_not_repeated() -> None:
    desk = Desk(with_bmc(alerts=[{"receiver": "127.0.0.9", "acknowledge": True, "timeout_s": 5, "retries": 3}]))
    desk.inject("server1.bmc", "front_panel_nmi")
    (out,) = desk.bmc.outgoing
    octets = out.trap.varbinds[0].value
    assert isinstance(octets, bytes)
    data = pet.acknowledge(pet.decode(octets))
    desk.ok(EVENT, 0x17, data[:-1] + b"\x77")  # another event: nothing is told about known ones
    desk.at(5)
    assert len(desk.bmc.outgoing) == 2
    desk.ok(EVENT, 0x17, data)
    desk.at(60)
    assert len(desk.bmc.outgoing) == 2
    assert desk.ok(EVENT, 0x16, bytes((1, 0x41, 0))) == b"\x01"


def test_a_destination_of_ipmi_is_told() -> None:
    desk = Desk(with_bmc(alerts=[]))
    desk.inject("server1.bmc", "front_panel_nmi")
    assert desk.alerts() == []
    desk.ok(LAN, 0x01, bytes((1, 19, 1, 0, 0, 127, 0, 0, 8)) + bytes(6))
    desk.ok(LAN, 0x01, bytes((1, 18, 1, 0x00, 3, 0)))
    desk.ok(LAN, 0x01, bytes((1, 16)) + b"secret".ljust(18, b"\0"))
    desk.ok(EVENT, 0x12, bytes((9, 1, 0x18, 0x11, 0)))
    desk.inject("server1.bmc", "front_panel_nmi")
    (out,) = desk.bmc.outgoing
    assert (out.receiver, out.port, out.community) == ("127.0.0.8", None, b"secret")


def test_a_test_alert_needs_no_filter() -> None:
    desk = Desk()
    desk.ok(EVENT, 0x12, bytes((1, 0)))  # filtering off
    desk.ok(EVENT, 0x16, bytes((1, 1, 0)))
    (out,) = desk.bmc.outgoing
    assert isinstance(out.trap, TrapV1)


def test_no_alert_leaves_while_alerting_is_off_on_the_channel() -> None:
    desk = Desk()
    desk.ok(0x06, 0x40, bytes((1, 0x62, 0x84)))
    desk.inject("server1.bmc", "front_panel_nmi")
    assert desk.alerts() == []


def test_filtering_rests_after_a_start_where_it_is_told_to() -> None:
    desk = Desk()
    desk.ok(EVENT, 0x12, bytes((1, 0x0F)))
    desk.ok(EVENT, 0x12, bytes((3, 30)))
    desk.ok(EVENT, 0x12, bytes((4, 60)))
    desk.at(29)
    desk.inject("server1.bmc", "cpu_ierr")
    assert (desk.power(), desk.alerts()) == ("running", [])
    desk.at(30)
    desk.inject("server1.bmc", "cpu_ierr")
    assert (desk.power(), desk.alerts()) == ("booting", [])
    desk.at(60)
    desk.inject("server1.bmc", "front_panel_nmi")
    assert desk.alerts() == [1273600]


def test_numbers_of_alerts_skip_zero() -> None:
    desk = Desk()
    desk.bmc.model.events.sequence = 0xFFFF
    desk.inject("server1.bmc", "front_panel_nmi")
    octets = desk.bmc.outgoing[0].trap.varbinds[0].value
    assert isinstance(octets, bytes)
    assert pet.decode(octets).sequence == 1


def test_the_log_fills_up_overflows_and_is_cleared() -> None:
    desk = Desk()
    record = bytes(2) + b"\x02" + bytes(4) + b"\x20\x00\x04\x0c\x08\x6f\x01\xff\xff"
    added = 0
    while desk.command(STORAGE, 0x44, record)[0] == 0:
        added += 1
    assert added == 511  # and one that says that the log is nearly full
    assert desk.command(STORAGE, 0x44, record)[0] == 0xC4
    assert 1076997 in desk.alerts()
    info = desk.ok(STORAGE, 0x40)
    assert int.from_bytes(info[1:3], "little") == 512
    assert info[13] & 0x80
    reservation = desk.ok(STORAGE, 0x42)
    assert desk.command(STORAGE, 0x47, bytes(2) + b"CLR\xaa")[0] == 0xC5
    assert desk.ok(STORAGE, 0x47, reservation + b"CLR\xaa") == b"\x01"
    assert int.from_bytes(desk.ok(STORAGE, 0x40)[1:3], "little") == 1
    first = desk.ok(STORAGE, 0x43, bytes(4) + b"\x00\xff")
    assert first[12] == 0x10  # "log area cleared"


def test_records_of_a_maker_keep_their_octets_and_can_be_deleted() -> None:
    desk = Desk()
    timed = bytes(2) + b"\xc1" + bytes(4) + b"\x77\x00\x00" + b"abcdef"
    untimed = bytes(2) + b"\xe0" + b"0123456789abc"
    first, second = desk.ok(STORAGE, 0x44, timed), desk.ok(STORAGE, 0x44, untimed)
    assert desk.ok(STORAGE, 0x43, bytes(2) + first + b"\x00\xff")[9:] == timed[7:]
    assert desk.ok(STORAGE, 0x43, bytes(2) + second + b"\x00\xff")[4:] == untimed[2:]
    reservation = desk.ok(STORAGE, 0x42)
    assert desk.ok(STORAGE, 0x46, reservation + first) == first
    assert desk.command(STORAGE, 0x46, reservation + second)[0] == 0xC5  # a deletion ends the reservation
    assert desk.command(STORAGE, 0x43, bytes(2) + first + b"\x00\xff")[0] == 0xCB


def test_setting_the_clock_is_logged_before_and_after() -> None:
    desk = Desk()
    desk.ok(STORAGE, 0x49, (1_000_000_000).to_bytes(4, "little"))
    times = [record.timestamp for record in desk.bmc.model.events.log.records]
    assert times == [1_773_144_000, 1_000_000_000]
    desk.at(10)
    assert int.from_bytes(desk.ok(STORAGE, 0x48), "little") == 1_000_000_010


def test_wrong_passwords_are_told_and_lock_a_user_out() -> None:
    desk = Desk()
    desk.ok(LAN, 0x01, bytes((1, 26, 0x01, 3)) + (6).to_bytes(2, "little") + (6).to_bytes(2, "little"))
    for _ in range(3):
        assert desk.bmc.account(b"admin") is not None
        desk.bmc.login_failed(2)
    assert desk.bmc.account(b"admin") is None
    assert desk.alerts() == [2780930, 2780930, 2780930, 2780931]
    desk.at(60)
    desk.bmc.answering(desk.world.now)
    assert desk.bmc.account(b"admin") is not None


def test_a_good_login_ends_the_count_of_bad_ones() -> None:
    desk = Desk()
    desk.ok(LAN, 0x01, bytes((1, 26, 0x01, 2)) + bytes(4))
    desk.bmc.login_failed(2)
    desk.bmc.login_succeeded(2)
    desk.bmc.login_failed(2)
    assert desk.bmc.account(b"admin") is not None
    desk.bmc.login_failed(2)
    assert desk.bmc.account(b"admin") is None  # for good: no lock-out interval
    desk.ok(0x06, 0x47, b"\x02\x01")
    assert desk.bmc.account(b"admin") is not None
