"""The recovery link, device side: requirements 3.2 and the check list of the link's notes."""

from __future__ import annotations

from typing import Any

import pytest

from ridethrough.wire import pet
from tests.emulators.rig import PLANT, Desk

EVENT, OEM = 0x04, 0x2E
NEC = bytes((119, 0, 0))
SERVER = PLANT["servers"]["server1"]
IDLE, NOTIFIED, HELD, RELEASED = 0, 2, 3, 4


def linked(**changes: Any) -> Desk:
    bmc = SERVER["bmc"] | {"link": {"on": True}, **changes}
    return Desk(PLANT | {"servers": {"server1": SERVER | {"bmc": bmc}}})


def start(desk: Desk, number: int = 1, node: bytes = b"server1", want_s: int = 0) -> tuple[int, bytes]:
    data = number.to_bytes(2, "little") + want_s.to_bytes(2, "little") + bytes((len(node),)) + node
    code, answer = desk.command(OEM, 0xC2, NEC + data)
    assert answer[:3] == NEC
    return code, answer[3:]


def end(desk: Desk, number: int = 1, result: int = 0) -> tuple[int, bytes]:
    code, answer = desk.command(OEM, 0xC3, NEC + number.to_bytes(2, "little") + bytes((result,)))
    return code, answer[3:]


def state(desk: Desk) -> int:
    return desk.ok(OEM, 0xC0, NEC)[4]


def steps(desk: Desk) -> list[str]:
    return [step.text for step in desk.bmc.model.hold.steps]


def test_the_six_steps() -> None:
    desk = linked()
    desk.inject("server1.bmc", "memory_uncorrectable")
    octets = desk.bmc.outgoing[0].trap.varbinds[0].value
    assert isinstance(octets, bytes)
    number = pet.decode(octets).sequence
    assert desk.bmc.model.events.log.records  # 1: the record can be read before the trap leaves
    assert state(desk) == NOTIFIED
    desk.at(9)
    assert start(desk, number) == (0, bytes((HELD, 120, 0)))
    desk.at(100)
    assert desk.power() == "running"  # 4: nothing happens while it is held
    assert end(desk, number) == (0, bytes((RELEASED,)))
    assert desk.power() == "booting"  # 5: at once
    assert desk.ok(0x00, 0x07)[0] == 8  # reset by PEF
    assert state(desk) == IDLE
    assert steps(desk) == [
        "fault notified, hard_reset held",
        "recovery started by server1",
        "recovery ended: ok",
        "hard_reset released",
    ]


def test_without_the_link_the_reset_comes_at_once() -> None:
    desk = linked(link={"on": False})
    desk.inject("server1.bmc", "memory_uncorrectable")
    assert desk.power() == "booting"
    assert start(desk)[0] == 0x82


def test_the_bytes_of_the_notes() -> None:
    desk = linked()
    desk.bmc.model.events.sequence = 6
    desk.inject("server1.bmc", "cpu_ierr")
    raw = bytes.fromhex("770000 0700 7800 07 73657276657231")
    assert desk.command(OEM, 0xC2, raw) == (0, bytes.fromhex("770000 03 7800"))
    assert desk.command(OEM, 0xC3, bytes.fromhex("770000 0700 00")) == (0, bytes.fromhex("770000 04"))


def test_nobody_starts_a_recovery() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.at(9.9)
    assert desk.power() == "running"
    desk.at(10)
    assert desk.power() == "booting"
    assert start(desk)[0] == 0x81  # 3: too late


def test_nobody_ends_a_recovery() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.at(5)
    start(desk)
    desk.at(124.9)
    assert desk.power() == "running"
    desk.at(125)  # 6: T2 after step 4
    assert desk.power() == "booting"


def test_a_recovery_may_be_extended_up_to_the_ceiling() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    for second in (5, 100, 200, 290):
        desk.at(second)
        assert start(desk, want_s=120)[0] == 0
    desk.at(299.9)
    assert desk.power() == "running"
    desk.at(300)
    assert desk.power() == "booting"


def test_a_cancelled_action_leaves_the_server_running() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    start(desk)
    assert end(desk, result=3) == (0, bytes((RELEASED,)))
    desk.at(1000)
    assert desk.power() == "running"
    assert steps(desk)[-1] == "action cancelled"


def test_the_refusals() -> None:
    desk = linked()
    assert start(desk, 9)[0] == 0x80
    desk.inject("server1.bmc", "cpu_ierr")
    assert end(desk)[0] == 0x84
    assert start(desk)[0] == 0
    assert start(desk, node=b"server2")[0] == 0x83  # 8: somebody else holds it
    assert start(desk, 7)[0] == 0x80
    assert end(desk)[0] == 0
    assert end(desk) == (0, bytes((RELEASED,)))  # told again: the same answer, and nothing done twice
    assert end(desk, result=1)[0] == 0x81
    assert desk.ok(0x00, 0x07)[0] == 8


@pytest.mark.parametrize("fault", ["cpu_thermal_trip", "temperature_unrecoverable"])
def test_hardware_protection_is_never_held(fault: str) -> None:
    desk = linked()
    desk.inject("server1.bmc", fault)
    assert desk.power() == "off"
    assert desk.alerts()
    assert state(desk) == IDLE


def test_two_faults_have_one_outcome_the_stronger() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    start(desk)
    # A watchdog that switches off, while a reset is held.
    desk.ok(0x06, 0x24, bytes((4, 2, 0, 0, 10, 0)))
    desk.ok(0x06, 0x22)
    desk.at(1)
    assert desk.power() == "running"
    assert [incident.number for incident in desk.bmc.model.hold.current] == [1, 2]
    assert end(desk, 1)[0] == 0
    assert desk.power() == "off"


def test_a_restart_of_the_controller_loses_the_hold() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    start(desk)
    desk.ok(0x06, 0x02)
    desk.at(1000)
    assert desk.power() == "running"  # 7: no action
    assert steps(desk)[-1].startswith("hold lost")


def test_a_power_command_takes_the_place_of_what_was_held() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.ok(0x00, 0x02, b"\x00")
    assert desk.power() == "off"
    desk.at(1000)
    assert desk.power() == "off"
    assert state(desk) == IDLE


@pytest.mark.parametrize("action", [1, 4, 5])  # on, diagnostic interrupt, soft shutdown
def test_other_power_commands_leave_the_hold_as_it_is(action: int) -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.ok(0x00, 0x02, bytes((action,)))
    assert state(desk) == NOTIFIED
    desk.at(10)
    assert desk.power() == "booting"


def test_a_lost_trap_ends_like_a_cluster_that_does_not_answer() -> None:
    desk = linked()
    desk.inject("server1.bmc", "lan_cut")
    desk.inject("server1.bmc", "cpu_ierr")
    assert desk.alerts() == []
    desk.at(10)
    assert desk.power() == "booting"  # 9


def test_a_clock_that_jumps_fires_nothing() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.ok(0x0A, 0x49, (2_000_000_000).to_bytes(4, "little"))
    desk.at(9)
    assert desk.power() == "running"  # 10
    desk.at(10)
    assert desk.power() == "booting"


def test_standard_commands_hold_and_release_as_well() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    record = desk.bmc.model.events.log.last_id
    assert desk.ok(EVENT, 0x11, b"\x78") == b"\x78"
    assert state(desk) == HELD
    desk.at(60)
    assert desk.ok(EVENT, 0x11, b"\xff") == bytes((60,))
    assert desk.power() == "running"
    desk.ok(EVENT, 0x14, b"\x00" + record.to_bytes(2, "little"))
    assert desk.ok(EVENT, 0x11, b"\x00") == b"\x00"
    assert desk.power() == "booting"
    assert int.from_bytes(desk.ok(EVENT, 0x15)[6:8], "little") == record


def test_postponed_without_end_means_up_to_the_ceiling() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.ok(EVENT, 0x11, b"\xfe")
    desk.at(299)
    assert desk.power() == "running"
    desk.at(300)
    assert desk.power() == "booting"


def test_the_acknowledgement_of_a_notice_is_recorded() -> None:
    alerts = [{"receiver": "127.0.0.9", "acknowledge": True, "timeout_s": 5, "retries": 3}]
    desk = linked(alerts=alerts)
    desk.inject("server1.bmc", "cpu_ierr")
    octets = desk.bmc.outgoing[0].trap.varbinds[0].value
    assert isinstance(octets, bytes)
    desk.ok(EVENT, 0x17, pet.acknowledge(pet.decode(octets)))
    assert steps(desk)[-1] == "notice acknowledged"


def test_where_a_receipt_is_needed_the_wait_begins_with_it() -> None:
    alerts = [{"receiver": "127.0.0.9", "acknowledge": True, "timeout_s": 2, "retries": 7}]
    desk = linked(alerts=alerts)
    desk.ok(OEM, 0xC1, NEC + bytes((0x07, 10, 0, 120, 0, 1, 0, 0)))
    desk.inject("server1.bmc", "cpu_ierr")
    assert state(desk) == 1  # detected, and not yet known to have been heard
    octets = desk.bmc.outgoing[0].trap.varbinds[0].value
    assert isinstance(octets, bytes)
    desk.at(8)
    desk.ok(EVENT, 0x17, pet.acknowledge(pet.decode(octets)))
    assert state(desk) == NOTIFIED
    desk.at(17.9)
    assert desk.power() == "running"
    desk.at(18)
    assert desk.power() == "booting"


def test_a_node_may_take_over_what_a_standard_command_holds() -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    desk.ok(EVENT, 0x11, b"\x78")
    assert start(desk)[0] == 0
    assert end(desk)[0] == 0


def test_link_settings_by_ipmi() -> None:
    desk = linked()
    desk.ok(OEM, 0xC1, NEC + bytes((0x05, 20, 0, 60, 0, 1)) + (1162).to_bytes(2, "little"))
    info = desk.ok(OEM, 0xC0, NEC)[3:]
    assert info[:3] == bytes((1, IDLE, 0x05))
    assert [int.from_bytes(info[at : at + 2], "little") for at in (3, 5, 7)] == [20, 60, 300]
    desk.inject("server1.bmc", "cpu_ierr")
    assert desk.bmc.outgoing[0].port == 1162
    assert desk.command(OEM, 0xC1, NEC + bytes((0x01, 0, 0, 60, 0, 1, 0, 0)))[0] == 0xCC


def test_with_timeouts_that_do_nothing_the_server_runs_on() -> None:
    desk = linked()
    desk.ok(OEM, 0xC1, NEC + bytes((0x01, 10, 0, 60, 0, 1, 0, 0)))
    desk.inject("server1.bmc", "cpu_ierr")
    desk.at(1000)
    assert desk.power() == "running"


def test_an_incident_can_be_asked_for() -> None:
    desk = linked()
    assert desk.command(OEM, 0xC4, NEC + bytes(2))[0] == 0x80
    desk.inject("server1.bmc", "cpu_ierr")
    desk.at(4)
    answer = desk.ok(OEM, 0xC4, NEC + bytes(2))[3:]
    assert answer[:5] == bytes((NOTIFIED, 7, 0, 0x20, 3))
    assert int.from_bytes(answer[5:7], "little") == 60  # tenths of a second
    assert int.from_bytes(answer[7:9], "little") == 1


def test_heartbeats_and_their_table() -> None:
    desk = linked()
    data = bytes((7,)) + b"server1" + (5).to_bytes(4, "little") + b"\x00"
    assert desk.ok(OEM, 0xC5, NEC + data)[3:] == (5).to_bytes(4, "little") + b"\x01"
    desk.at(12)
    table = desk.ok(OEM, 0xC6, NEC + b"\x00")[3:]
    assert table == bytes((1, 1, 127, 0, 0, 1, 120, 0, 1))


def test_injection_by_ipmi_must_be_allowed() -> None:
    data = NEC + bytes((8, 1, 1, 0xFF, 0x05))
    assert linked().command(OEM, 0xCF, data)[0] == 0xD6
    desk = linked(inject=True)
    answer = desk.ok(OEM, 0xCF, data)[3:]
    assert answer == bytes((1, 0, 1, 0))
    assert state(desk) == NOTIFIED


@pytest.mark.parametrize("word", ["shutdown", "power_button"])
def test_a_server_that_goes_down_by_itself_leaves_nothing_to_hold(word: str) -> None:
    desk = linked()
    desk.inject("server1.bmc", "cpu_ierr")
    start(desk, want_s=200)
    desk.inject("server1", word)
    desk.at(61)
    assert desk.power() == "off"
    assert state(desk) == IDLE
    desk.at(500)
    assert desk.power() == "off"
