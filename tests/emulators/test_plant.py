"""Server, power supplies, BMC and disk on one supply."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from emulators.config import Plant
from emulators.devices.bmc.sensors import FAULTS
from tests.emulators.rig import PLANT, Desk
from wire import pet
from wire.ipmi.message import Privilege, Request
from wire.ipmi.session import Account, Session
from wire.snmp import TrapV1


def session(privilege: Privilege = Privilege.ADMINISTRATOR) -> Session:
    account = Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR)
    return Session(1, ("127.0.0.1", 1), privilege, 0, account, privilege, active=True)


def command(desk: Desk, netfn: int, number: int, data: bytes = b"", who: Session | None = None) -> tuple[int, bytes]:
    desk.bmc.answering(desk.world.now)
    answer = desk.bmc.execute(Request(netfn, number, data), who or session())
    desk.world.settle()
    return int(answer[0]), bytes(answer[1])


def power(desk: Desk) -> str:
    return str(desk.server.snapshot(desk.world.now)["state"])


def with_policy(policy: str, supplies: int = 1) -> dict[str, Any]:
    server = PLANT["servers"]["server1"] | {"ac_link": policy, "power": ["UPS1", "city"][:supplies]}
    return PLANT | {"servers": {"server1": server}}


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        ("on", "on", "booting"),
        ("on", "off", "booting"),
        ("last", "on", "booting"),
        ("last", "off", "off"),
        ("off", "on", "off"),
    ],
)
def test_ac_link_decides_when_the_supply_returns(policy: str, before: str, after: str) -> None:
    desk = Desk(with_policy(policy))
    if before == "off":
        command(desk, 0x00, 0x02, b"\x00")
    desk.inject("UPS1", "button_off")
    assert power(desk) == "off"
    desk.inject("UPS1", "button_on")
    assert power(desk) == after
    desk.at(120)
    assert power(desk) == ("running" if after == "booting" else "off")


@pytest.mark.parametrize(
    ("action", "steps"),
    [
        (0, [(0, "off")]),
        (2, [(0, "off"), (5, "booting"), (125, "running")]),
        (3, [(0, "booting"), (120, "running")]),
        (4, [(0, "hung")]),
        (5, [(0, "shutting-down"), (59.9, "shutting-down"), (60, "off")]),
    ],
)
def test_chassis_control_on_a_running_server(action: int, steps: list[tuple[float, str]]) -> None:
    desk = Desk()
    desk.at(1)
    assert command(desk, 0x00, 0x02, bytes((action,)))[0] == 0
    for seconds, state in steps:
        desk.at(1 + seconds)
        assert power(desk) == state


def test_power_on_and_the_states_in_which_orders_are_refused() -> None:
    desk = Desk()
    command(desk, 0x00, 0x02, b"\x00")
    assert command(desk, 0x00, 0x01)[1][0] & 1 == 0
    assert command(desk, 0x00, 0x02, b"\x02")[0] == 0xD5
    assert command(desk, 0x00, 0x02, b"\x03")[0] == 0xD5
    assert command(desk, 0x00, 0x02, b"\x07")[0] == 0xCC
    assert command(desk, 0x00, 0x02, b"\x01")[0] == 0
    assert power(desk) == "booting"
    assert command(desk, 0x00, 0x07)[1][0] == 1  # restart cause: chassis control
    assert command(desk, 0x00, 0x01)[1][0] & 1 == 1


def test_refusals_of_the_command_table() -> None:
    desk = Desk()
    assert command(desk, 0x06, 0xEE)[0] == 0xC1
    assert command(desk, 0x06, 0x01, b"x")[0] == 0xC7
    assert command(desk, 0x00, 0x02, b"\x00", session(Privilege.USER))[0] == 0xD4
    assert int(desk.bmc.execute(Request(0x06, 0x01), None)[0]) == 0xD4
    assert int(desk.bmc.execute(Request(0x06, 0x38, b"\x8e\x04"), None)[0]) == 0


def test_every_command_of_the_table_takes_any_data_of_its_length() -> None:
    for filler in (0x00, 0x01, 0x5A, 0xFF):
        desk = Desk()
        for (netfn, number), row in desk.bmc._commands.items():
            for length in {row.shortest, row.longest}:
                code, _ = command(desk, netfn, number, bytes((filler,)) * length)
                assert 0 <= code <= 0xFF, row.name


def test_the_bmc_dies_with_the_last_outlet_and_comes_back_after_its_start() -> None:
    desk = Desk()
    assert desk.bmc.answering(desk.world.now)
    generation = desk.bmc.generation
    desk.inject("UPS1", "button_off")
    assert not desk.bmc.answering(desk.world.now)
    assert desk.bmc.generation > generation
    desk.at(10)
    desk.inject("UPS1", "button_on")
    desk.at(29.9)
    assert not desk.bmc.answering(desk.world.now)
    desk.at(30)
    assert desk.bmc.answering(desk.world.now)


def test_one_of_two_supplies_may_fail() -> None:
    desk = Desk(with_policy("on", supplies=2))
    desk.inject("UPS1", "button_off")
    assert power(desk) == "running"
    assert desk.bmc.answering(desk.world.now)
    (trap,) = [item.trap for item in desk.bmc.outgoing]
    assert trap.specific_trap == 552707  # power supply input lost, asserted
    desk.bmc.outgoing.clear()
    desk.inject("UPS1", "button_on")
    (trap,) = [item.trap for item in desk.bmc.outgoing]
    assert trap.specific_trap == 552835


# Specific numbers of the reference table of platform events.
@pytest.mark.parametrize(
    ("fault", "specific"),
    [
        ("memory_uncorrectable", 814849),
        ("cpu_ierr", 487168),
        ("cpu_thermal_trip", 487169),
        ("firmware_hang", 1011457),
        ("front_panel_nmi", 1273600),
        ("fan_stop", 262402),
        ("temperature_critical", 65801),
    ],
)
def test_a_fault_is_logged_and_then_told(fault: str, specific: int) -> None:
    desk = Desk()
    desk.at(3600)
    desk.inject("server1.bmc", fault)
    item = desk.bmc.outgoing[0]
    assert (item.receiver, item.community, item.trap.specific_trap) == ("127.0.0.1", b"public", specific)
    octets = item.trap.varbinds[0].value
    assert isinstance(octets, bytes)
    event = pet.decode(octets)
    record = desk.bmc.log.records[0]
    assert record.sensor_number == event.sensor_number
    assert record.event_data == event.event_data[:3]
    assert record.timestamp == event.timestamp + pet.EPOCH_1998_S == 1_773_144_000 + 3600
    assert item.trap.time_stamp == 360_000
    expected = FAULTS[fault].action
    states = {None: "running", 3: "booting", 0: "off"}
    assert power(desk) == states[None if expected is None else int(expected)]


def test_faults_are_cleared_with_their_deassertion() -> None:
    desk = Desk()
    desk.inject("server1.bmc", "fan_stop")
    assert desk.bmc.reading(3) == 3
    desk.bmc.outgoing.clear()
    desk.inject("server1.bmc", "clear")
    assert desk.bmc.reading(3) == 60
    trap = desk.bmc.outgoing[0].trap
    assert isinstance(trap, TrapV1)
    assert trap.specific_trap == 262530
    assert [record.deasserted for record in desk.bmc.log.records] == [False, True]


def test_the_log_fills_up_overflows_and_is_cleared() -> None:
    desk = Desk()
    record = bytes(2) + b"\x02" + bytes(4) + b"\x20\x00\x04\x0c\x08\x6f\x01\xff\xff"
    for _ in range(512):
        assert command(desk, 0x0A, 0x44, record)[0] == 0
    assert command(desk, 0x0A, 0x44, record)[0] == 0xC4
    info = command(desk, 0x0A, 0x40)[1]
    assert int.from_bytes(info[1:3], "little") == 512
    assert info[13] & 0x80
    reservation = command(desk, 0x0A, 0x42)[1]
    assert command(desk, 0x0A, 0x47, bytes(2) + b"CLR\xaa")[0] == 0xC5
    assert command(desk, 0x0A, 0x47, reservation + b"CLR\xaa") == (0, b"\x01")
    assert int.from_bytes(command(desk, 0x0A, 0x40)[1][1:3], "little") == 1
    first = command(desk, 0x0A, 0x43, bytes(4) + b"\x00\xff")[1]
    assert first[12] == 0x10  # "log area cleared"


def test_users_can_be_changed() -> None:
    desk = Desk()
    assert command(desk, 0x06, 0x45, b"\x03" + b"oper".ljust(16, b"\0"))[0] == 0
    assert command(desk, 0x06, 0x47, b"\x03\x02" + b"secret".ljust(16, b"\0"))[0] == 0
    assert command(desk, 0x06, 0x47, b"\x03\x03" + b"wrong".ljust(16, b"\0"))[0] == 0x80
    assert command(desk, 0x06, 0x43, b"\x91\x03\x03")[0] == 0
    assert desk.bmc.account(b"oper") is None  # not enabled yet
    assert command(desk, 0x06, 0x47, b"\x03\x01")[0] == 0
    account = desk.bmc.account(b"oper")
    assert account is not None
    assert (account.password, account.privilege) == (b"secret", Privilege.OPERATOR)
    assert command(desk, 0x06, 0x45, b"\x01" + b"null".ljust(16, b"\0"))[0] == 0xCC


def test_a_disk_spins_up_after_its_supply_returns() -> None:
    plant = PLANT | {"disks": {"array1": {"power": ["UPS1"], "spin_up_s": 90}}}
    desk = Desk(plant)
    disk: Any = desk.world.devices["array1"]
    assert disk.snapshot(desk.world.now)["state"] == "ready"
    desk.inject("UPS1", "button_off")
    assert disk.snapshot(desk.world.now)["state"] == "off"
    desk.inject("UPS1", "button_on")
    desk.at(89.9)
    assert disk.snapshot(desk.world.now)["state"] == "spinning-up"
    desk.at(90)
    assert disk.ready.value


def test_every_device_of_a_plant_can_be_seen_and_touched() -> None:
    desk = Desk(PLANT | {"disks": {"array1": {"power": ["city"]}}})
    for name, device in desk.world.devices.items():
        place: Any = device
        assert place.kind, name
        assert place.snapshot(desk.world.now)["state"], name
        for word in place.inputs.help:
            assert place.inputs.help[word], (name, word)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ups": {"UPS1": {"mains": "town", "address": "127.0.1.1"}}}, "there is no 'town'; accepted: city"),
        ({"servers": {"s": {"power": ["UPS9"], "address": "127.0.0.1"}}}, "there is no 'UPS9'; accepted: city, UPS1"),
        ({"disks": {"UPS1": {"power": ["city"]}}}, "names must differ"),
    ],
)
def test_wiring_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Plant.model_validate(PLANT | change)
