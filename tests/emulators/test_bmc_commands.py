"""The command table of the BMC: refusals by rule, and what single commands do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridethrough.emulators.bindings.inputs import NoEffectError
from ridethrough.emulators.bindings.ipmi import dispatch
from ridethrough.emulators.devices.bmc.commands import TABLE
from ridethrough.wire.ipmi.message import IpmiRequest, NetFn, Privilege
from ridethrough.wire.ipmi.session import Account, Session
from tests.emulators.rig import PLANT, Desk

CHASSIS, EVENT, APP, STORAGE, LAN, GROUP = 0x00, 0x04, 0x06, 0x0A, 0x0C, 0x2C
DCMI = b"\xdc"
ROWS = list(TABLE.items())
NAMES = [f"{netfn:02x}/{number:02x} {row.name}" for (netfn, number, _), row in ROWS]
# Commands of the reference for this class of server: number, least privilege, octets of a request that may be made.
REFERENCE = Path(__file__).parent.parent / "vectors" / "ipmi-commands.csv"


def head(netfn: int, body: int) -> bytes:
    return body.to_bytes({NetFn.GROUP: 1, NetFn.OEM: 3}.get(NetFn(netfn), 0), "little")


def outside(desk: Desk, netfn: int, number: int, data: bytes = b"") -> int:
    desk.bmc.answering(desk.world.now)
    return int(desk.bmc.execute(IpmiRequest(netfn, number, data), None)[0])


def test_what_is_no_command_is_refused() -> None:
    desk = Desk()
    assert desk.command(APP, 0xEE)[0] == 0xC1
    assert desk.command(GROUP, 0x00, b"\x00") == (0xC1, b"\x00")  # PICMG, asked by ipmitool in every run
    assert desk.command(GROUP, 0x00, b"\x03") == (0xC1, b"\x03")
    assert desk.command(0x2E, 0x01, b"\x01\x02\x03") == (0xC1, b"\x01\x02\x03")
    assert desk.command(GROUP, 0x02)[0] == 0xC7
    assert desk.command(0x30, 0x16)[0] == 0xC1


@pytest.mark.parametrize(("key", "row"), ROWS, ids=NAMES)
def test_every_command_refuses_too_little_too_much_and_too_low(key: tuple[int, int, int], row: Any) -> None:
    desk = Desk()
    netfn, number, body = key
    prefix = head(netfn, body)
    if row.shortest:
        assert desk.command(netfn, number, prefix + bytes(row.shortest - 1))[0] == 0xC7
    assert desk.command(netfn, number, prefix + bytes(row.longest + 1))[0] == 0xC7
    if row.privilege > Privilege.USER:
        lower = Privilege(row.privilege - 1)
        assert desk.command(netfn, number, prefix + bytes(row.shortest), lower)[0] == 0xD4
    refused = outside(desk, netfn, number, prefix + bytes(row.shortest)) == 0xD4
    assert refused is (row.privilege is not Privilege.NONE)


def test_the_table_has_every_command_of_the_reference_with_its_privilege() -> None:
    with REFERENCE.open(newline="") as stream:
        wanted = {(int(r["netfn"], 16), int(r["command"], 16), int(r["body"], 16)): r for r in csv.DictReader(stream)}
    missing = [row["name"] for key, row in wanted.items() if key not in TABLE]
    assert missing == []
    privileges = {key: TABLE[key].privilege.name.lower() for key in wanted}
    assert {key: row["privilege"] for key, row in wanted.items()} == privileges


commands = st.lists(st.tuples(st.sampled_from(ROWS), st.binary(max_size=24), st.floats(0, 30)), min_size=1, max_size=25)


@given(commands)
@settings(deadline=None)
def test_any_sequence_of_commands_leaves_a_bmc_that_answers(given_commands: list[Any]) -> None:
    """Only a reset or a loss of power may silence it, and only for its start."""
    desk = Desk(PLANT)
    for ((netfn, number, body), row), data, wait_s in given_commands:
        octets = data.ljust(row.shortest, b"\x01")[: row.longest]
        code, answer = desk.command(netfn, number, head(netfn, body) + octets)
        assert 0 <= code <= 0xFF
        assert len(answer) <= 255
        desk.at(desk.world.now / 1000 + wait_s)
        for sensor in desk.bmc.model.sensors.by_number:
            assert 0 <= desk.bmc.model.sensors.states[sensor] < 1 << 16
        desk.bmc.snapshot(desk.world.now)
        desk.bmc.outgoing.clear()
    memory = desk.bmc.dump_state()
    other = Desk(PLANT)
    other.bmc.load_state(memory)
    assert other.bmc.dump_state() == memory
    desk.at(desk.world.now / 1000 + 30)
    assert desk.bmc.answering(desk.world.now)


happenings = st.one_of(
    st.tuples(st.sampled_from(ROWS), st.binary(max_size=24)),
    st.sampled_from(
        [
            "server1.bmc inlet 24",  # no threshold is passed: readings move without an event
            "server1.bmc inlet 70",
            "server1.bmc chassis_opened",
            "server1.bmc clear",
            "server1.bmc fan_stop",
            "server1.bmc cpu_thermal_trip",
            "city off",
            "city on",
            "login",
            "wait",
        ]
    ),
)
STEADY_ROWS = [(key, row) for key, row in ROWS if row.steady]


@given(st.lists(happenings, min_size=1, max_size=15), st.integers(0, 255))
@settings(deadline=None)
def test_answers_are_the_same_with_and_without_memory(happened: list[Any], number: int) -> None:
    """Whatever goes before, what is remembered of a steady command is what the command itself would say."""
    desk = Desk(PLANT)
    account = Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR)
    session = Session(1, ("127.0.0.1", 1), Privilege.ADMINISTRATOR, 0, account, Privilege.ADMINISTRATOR, active=True)
    sensors = [number % len(desk.bmc.model.sensors.by_number) + 1, number]
    asked = [
        IpmiRequest(key[0], key[1], head(key[0], key[2]) + bytes((sensor,)) * row.shortest)
        for key, row in STEADY_ROWS
        for sensor in sensors
    ]
    for what in happened:
        revision = desk.bmc.model.revision
        if what == "wait":
            desk.at(desk.world.now / 1000 + 17)
        elif what == "login":
            desk.bmc.login_failed(2)
        elif isinstance(what, str):
            place, name, *words = what.split()
            desk.inject(place, name, *words)
        else:
            ((netfn, command, body), row), data = what
            octets = data.ljust(row.shortest, b"\x01")[: row.longest]
            desk.bmc.execute(IpmiRequest(netfn, command, head(netfn, body) + octets), session)
        if desk.bmc.model.revision != revision:  # as the host does
            desk.world.settle()
        if not desk.bmc.answering(desk.world.now):
            continue
        for request in asked:
            for _ in range(2):  # the second time from memory
                assert desk.bmc.execute(request, session) == dispatch(TABLE, desk.bmc.model, request, session)


def test_what_is_remembered_is_told_only_to_whom_it_may_be() -> None:
    desk = Desk()
    asked = IpmiRequest(APP, 0x01, b"")
    account = Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR)
    codes = []
    for privilege in (Privilege.USER, Privilege.CALLBACK, Privilege.NONE, Privilege.USER):
        session = Session(1, ("127.0.0.1", 1), privilege, 0, account, privilege, active=True)
        codes.append(desk.bmc.execute(asked, session)[0])
    assert codes == [0x00, 0xD4, 0xD4, 0x00]


def test_users_can_be_changed() -> None:
    desk = Desk()
    assert desk.command(0x06, 0x45, b"\x03" + b"oper".ljust(16, b"\0"))[0] == 0
    assert desk.command(0x06, 0x47, b"\x03\x02" + b"secret".ljust(16, b"\0"))[0] == 0
    assert desk.command(0x06, 0x47, b"\x03\x03" + b"wrong".ljust(16, b"\0"))[0] == 0x80
    assert desk.command(0x06, 0x43, b"\x91\x03\x03")[0] == 0
    assert desk.bmc.account(b"oper") is None  # not enabled yet
    assert desk.command(0x06, 0x47, b"\x03\x01")[0] == 0
    account = desk.bmc.account(b"oper")
    assert account is not None
    assert (account.password, account.privilege) == (b"secret", Privilege.OPERATOR)
    assert desk.command(0x06, 0x45, b"\x01" + b"null".ljust(16, b"\0"))[0] == 0xCC


def test_a_password_of_twenty_octets_is_tested_with_its_size() -> None:
    desk = Desk()
    desk.ok(APP, 0x45, b"\x03" + b"oper".ljust(16, b"\0"))
    desk.ok(APP, 0x47, b"\x83\x02" + b"twenty".ljust(20, b"\0"))
    assert desk.command(APP, 0x47, b"\x03\x03" + b"twenty".ljust(16, b"\0"))[0] == 0x81
    assert desk.command(APP, 0x47, b"\x83\x03" + b"twenty".ljust(20, b"\0"))[0] == 0


def test_the_watchdog_counts_down_and_resets() -> None:
    desk = Desk()
    assert desk.command(APP, 0x22)[0] == 0x80  # never set
    assert desk.command(APP, 0x24, bytes((4, 1, 20, 0, 100, 0)))[0] == 0xCC  # warned before it began
    desk.ok(APP, 0x24, bytes((0x04, 0x31, 3, 0x3E, 100, 0)))
    assert desk.ok(APP, 0x25)[0] & 0x40 == 0
    desk.ok(APP, 0x22)
    desk.at(4)
    timer = desk.ok(APP, 0x25)
    assert timer[0] & 0x40
    assert int.from_bytes(timer[6:8], "little") == 60
    desk.ok(APP, 0x22)
    desk.at(10.9)
    assert desk.alerts() == []
    desk.at(11)  # three seconds before the end
    assert desk.alerts() == [2322184]
    assert desk.power() == "running"
    desk.at(14)
    assert desk.alerts() == [2322177]
    assert desk.power() == "booting"
    assert desk.ok(CHASSIS, 0x07)[0] == 4
    assert desk.ok(APP, 0x25)[3] == 1 << 4
    assert not desk.ok(APP, 0x25)[0] & 0x40


@pytest.mark.parametrize(("action", "state"), [(0, "running"), (1, "booting"), (2, "off"), (3, "off")])
def test_every_action_of_the_watchdog(action: int, state: str) -> None:
    desk = Desk()
    desk.ok(APP, 0x24, bytes((4, action, 0, 0, 10, 0)))
    desk.ok(APP, 0x22)
    desk.at(1)
    assert desk.power() == state
    assert desk.alerts() == [2322176 + action]


def test_a_hung_operating_system_is_found_by_its_watchdog() -> None:
    server = PLANT["servers"]["server1"] | {"watchdog_s": 60}
    desk = Desk(PLANT | {"servers": {"server1": server}})
    desk.at(1000)  # it runs, and tends its timer
    timer = desk.ok(APP, 0x25)
    assert timer[0] & 0x40
    assert timer[4:8] == bytes((0x58, 0x02)) * 2
    desk.inject("server1", "hang")
    desk.at(1059.9)
    assert (desk.power(), desk.alerts()) == ("hung", [])
    desk.at(1060)
    assert desk.alerts() == [2322177]
    assert desk.power() == "booting"
    desk.at(1060 + 120)
    assert desk.power() == "running"
    desk.inject("server1", "shutdown")  # in order: nothing to find
    desk.at(3000)
    assert desk.alerts() == []
    assert not desk.ok(APP, 0x25)[0] & 0x40


def test_a_restarted_controller_finds_the_watchdog_of_the_system_again() -> None:
    server = PLANT["servers"]["server1"] | {"watchdog_s": 60}
    desk = Desk(PLANT | {"servers": {"server1": server}})
    desk.ok(APP, 0x02)
    desk.at(20)
    assert desk.ok(APP, 0x25)[0] & 0x40


def test_the_power_cycle_interval_is_kept() -> None:
    desk = Desk()
    desk.ok(CHASSIS, 0x0B, b"\x1e")
    desk.ok(CHASSIS, 0x02, b"\x02")
    desk.at(29.9)
    assert desk.power() == "off"
    desk.at(30)
    assert desk.power() == "booting"


def test_a_channel_that_is_off_lets_nobody_in() -> None:
    desk = Desk()
    desk.ok(APP, 0x40, bytes((1, 0x40, 0x00)))
    assert desk.bmc.account(b"admin") is None


def test_the_console_repeats_as_it_is_set() -> None:
    desk = Desk()
    assert desk.bmc.console_retry == (7, 480)
    desk.ok(LAN, 0x21, bytes((1, 4, 3, 10)))
    assert desk.bmc.console_retry == (3, 100)


def test_boot_flags_hold_for_one_start_and_lapse_after_a_minute() -> None:
    desk = Desk()
    desk.ok(CHASSIS, 0x08, b"\x05\x80\x04\x00\x00\x00")
    assert desk.ok(CHASSIS, 0x09, b"\x05\x00\x00") == b"\x01\x05\x80\x04\x00\x00\x00"
    desk.ok(CHASSIS, 0x02, b"\x03")
    assert desk.bmc.snapshot(desk.world.now)["booted_from"] == "pxe"
    assert desk.ok(CHASSIS, 0x09, b"\x05\x00\x00")[2] == 0
    desk.ok(CHASSIS, 0x08, b"\x05\x80\x04\x00\x00\x00")
    desk.at(60)
    assert desk.bmc.model.boot.device == "default"
    desk.ok(CHASSIS, 0x08, b"\x03\x08")
    desk.ok(CHASSIS, 0x08, b"\x05\xc0\x18\x00\x00\x00")
    desk.at(600)
    desk.ok(CHASSIS, 0x02, b"\x03")
    assert desk.bmc.snapshot(desk.world.now)["booted_from"] == "setup"
    assert desk.bmc.model.boot.device == "setup"
    assert desk.command(CHASSIS, 0x08, b"\x7f\x00")[0] == 0x80


def test_lan_parameters() -> None:
    desk = Desk()
    assert desk.ok(LAN, 0x02, bytes((1, 3, 0, 0))) == b"\x11" + bytes((127, 0, 11, 1))
    assert desk.command(LAN, 0x01, bytes((1, 3, 10, 0, 0, 1)))[0] == 0x82
    assert desk.command(LAN, 0x02, bytes((1, 200, 0, 0)))[0] == 0x80
    assert desk.command(LAN, 0x02, bytes((2, 3, 0, 0)))[0] == 0xCC
    assert desk.ok(LAN, 0x02, bytes((0x81, 3, 0, 0))) == b"\x11"
    desk.ok(LAN, 0x01, b"\x01\x00\x01")
    assert desk.command(LAN, 0x01, b"\x01\x00\x01")[0] == 0x81
    desk.ok(LAN, 0x01, b"\x01\x00\x00")
    assert desk.ok(LAN, 0x02, bytes((1, 22, 0, 0))) == b"\x11\x02"
    assert desk.ok(LAN, 0x02, bytes((1, 23, 0, 0)))[2:4] == bytes((3, 17))
    assert desk.ok(LAN, 0x02, bytes((1, 24, 0, 0)))[2] == 0x44


def test_a_suite_without_a_privilege_may_not_be_used() -> None:
    desk = Desk()
    desk.ok(LAN, 0x01, b"\x01\x18\x00\x40" + bytes(7))
    policy = desk.bmc.login_policy
    assert (policy.limit(3), policy.limit(17), policy.limit(1)) == (0, 4, 0)


def test_a_channel_limits_its_users() -> None:
    desk = Desk()
    desk.ok(APP, 0x40, bytes((1, 0x42, 0x83)))
    account = desk.bmc.account(b"admin")
    assert account is not None
    assert account.privilege is Privilege.OPERATOR
    assert desk.ok(APP, 0x41, b"\x01\x40") == bytes((2, 3))


def test_power_readings_follow_the_server() -> None:
    desk = Desk()
    desk.at(100)
    reading = desk.ok(GROUP, 0x02, DCMI + b"\x01\x00\x00")[1:]
    assert [int.from_bytes(reading[at : at + 2], "little") for at in (0, 2, 4, 6)] == [200] * 4
    desk.ok(CHASSIS, 0x02, b"\x00")
    desk.at(200)
    reading = desk.ok(GROUP, 0x02, DCMI + b"\x01\x00\x00")[1:]
    assert [int.from_bytes(reading[at : at + 2], "little") for at in (0, 2, 4, 6)] == [0, 0, 200, 100]


def test_names_are_written_in_pieces() -> None:
    desk = Desk()
    desk.ok(GROUP, 0x08, DCMI + bytes((0, 5)) + b"rack-")
    assert desk.ok(GROUP, 0x08, DCMI + bytes((5, 2)) + b"12") == DCMI + b"\x07"
    assert desk.ok(GROUP, 0x06, DCMI + bytes((0, 16))) == DCMI + b"\x07rack-12"
    assert desk.command(GROUP, 0x06, DCMI + bytes((0, 17)))[0] == 0xC9


def test_inventory_can_be_read_and_written() -> None:
    desk = Desk()
    size = int.from_bytes(desk.ok(STORAGE, 0x10, b"\x00")[:2], "little")
    assert sum(desk.bmc.model.inventory[:8]) % 256 == 0
    assert desk.ok(STORAGE, 0x12, b"\x00" + (size - 3).to_bytes(2, "little") + b"abc") == b"\x03"
    assert desk.ok(STORAGE, 0x11, b"\x00" + (size - 3).to_bytes(2, "little") + b"\x10") == b"\x03abc"
    assert desk.command(STORAGE, 0x11, b"\x00" + size.to_bytes(2, "little") + b"\x10")[0] == 0xC9
    assert desk.command(STORAGE, 0x11, b"\x01\x00\x00\x10")[0] == 0xCB


def test_hours_count_while_power_is_on() -> None:
    desk = Desk()
    desk.at(7200)
    desk.ok(CHASSIS, 0x02, b"\x00")
    desk.at(36000)
    assert desk.ok(CHASSIS, 0x0F) == b"\x3c" + (2).to_bytes(4, "little")


def test_a_hung_controller_is_silent_and_forgets_nothing_but_the_hold() -> None:
    desk = Desk()
    desk.ok(APP, 0x45, b"\x03" + b"oper".ljust(16, b"\0"))
    desk.inject("server1.bmc", "hang")
    assert not desk.bmc.answering(desk.world.now)
    with pytest.raises(NoEffectError, match=r"^server1\.bmc hangs; cold_reset restarts it$"):
        desk.inject("server1.bmc", "cpu_ierr")
    assert desk.alerts() == []
    desk.inject("server1.bmc", "cold_reset")
    desk.at(20)
    assert desk.bmc.answering(desk.world.now)
    assert desk.ok(APP, 0x46, b"\x03").startswith(b"oper")


def test_the_console_shows_the_life_of_the_server_and_a_prompt() -> None:
    desk = Desk()
    desk.inject("server1", "shutdown")
    desk.at(60)
    desk.ok(CHASSIS, 0x02, b"\x01")
    desk.at(180)
    text = desk.bmc.model.console.since(0)
    for part in (b"going down", b"Power down.", b"Memory test", b"server1 login: "):
        assert part in text, part
    before = desk.bmc.model.console.written
    desk.bmc.type_console(b"root\rsecret\r")
    assert desk.bmc.model.console.since(before).startswith(b"root\r\nPassword: \r\nLogin incorrect")
