"""What can go wrong with a card: network, firmware, frozen values, clock; and what it shows of its engine."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.bindings.network import Impairment
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Kind, Tag, VarBind, Version
from tests.emulators.rig import PLANT, Desk, american, number
from tests.emulators.test_ups_card import walk

MODEL = "upsBasicIdentModel.0"


def test_a_card_without_its_program_shows_no_ups() -> None:
    desk = american()
    desk.inject("UPS1", "firmware_lost")
    assert desk.get("sysObjectID.0") == Oid.parse("1.3.6.1.4.1.318")
    assert desk.get("sysDescr.0") == b"APC SNMP Agent"
    assert walk(desk, "1.3.6.1.4.1.318.1.1.1") == []
    assert walk(desk, "1.3.6.1.2.1.33") == []
    assert len(walk(desk, "1.3.6.1.4.1.318")) > 50
    desk.inject("UPS1", "firmware_restored")
    assert desk.get(MODEL) == b"Smart-UPS 1500 XLM"


def test_frozen_measurements_stay_while_time_and_settings_go_on() -> None:
    desk = american()
    desk.inject("UPS1", "freeze")
    desk.inject("city", "off")
    desk.at(100)
    assert desk.get("upsAdvInputLineVoltage.0") == 120
    assert desk.get("upsBasicOutputStatus.0") == 2
    assert desk.get("sysUpTime.0") == 10_000
    assert desk.set("sysName.0", Tag.OCTET_STRING, b"stuck") is ErrorStatus.NO_ERROR
    assert desk.get("sysName.0") == b"stuck"
    assert desk.traps() == [5]  # the UPS itself is well
    desk.inject("UPS1", "thaw")
    assert desk.get("upsAdvInputLineVoltage.0") == 0


def test_the_clock_is_set_and_falls_back() -> None:
    desk = american()
    assert desk.set("mconfigClockDate.0", Tag.OCTET_STRING, b"11/21/2026") is ErrorStatus.NO_ERROR
    assert desk.set("mconfigClockTime.0", Tag.OCTET_STRING, b"23:59:30") is ErrorStatus.NO_ERROR
    desk.at(60)
    assert (desk.get("mconfigClockDate.0"), desk.get("mconfigClockTime.0")) == (b"11/22/2026", b"00:00:30")
    for wrong in (b"21/11/2026", b"yesterday", b""):
        assert desk.set("mconfigClockDate.0", Tag.OCTET_STRING, wrong) is ErrorStatus.WRONG_VALUE
    desk.inject("UPS1", "clock_reset")
    assert desk.get("mconfigClockDate.0") == b"01/01/2000"


# --- network ----------------------------------------------------------------------------------------------------


def test_a_slow_card_takes_its_time() -> None:
    desk = american()
    desk.inject("UPS1", "slow", "200", "50")
    plans = [desk.card.impairment.plan([b"x"], Random(seed).random) for seed in range(50)]
    delays = [delay for plan in plans for delay, _ in plan]
    assert len(delays) == 50
    assert 0.2 <= min(delays) < max(delays) <= 0.25
    desk.inject("UPS1", "smooth")
    assert desk.card.impairment.plan([b"x"], Random(1).random) == [(0.0, b"x")]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.binary(min_size=1, max_size=40), st.integers())
def test_an_impairment_loses_repeats_or_spoils_one_octet_and_nothing_else(
    drop: float, corrupt: float, duplicate: float, data: bytes, seed: int
) -> None:
    impairment = Impairment(drop=drop, corrupt=corrupt, duplicate=duplicate)
    plan = impairment.plan([data], Random(seed).random)
    assert len(plan) <= 2
    for _, sent in plan:
        assert len(sent) == len(data)
        assert sum(a != b for a, b in zip(sent, data, strict=True)) <= 1
    if drop == 1:
        assert plan == []
    if corrupt == 1:
        assert all(sent != data for _, sent in plan)
    if not drop:
        assert plan


@pytest.mark.parametrize("words", [("slow",), ("slow", "x"), ("slow", "1", "2", "3"), ("slow", "-1"), ("drop", "101")])
def test_words_that_no_network_takes(words: tuple[str, ...]) -> None:
    from ridethrough.emulators.bindings.inputs import InputError

    with pytest.raises(InputError):
        american().inject("UPS1", *words)


# --- the engine of the card ------------------------------------------------------------------------------------


def counter(desk: Desk, index: int) -> int:
    value = desk.get_oid(f"1.3.6.1.2.1.11.{index}.0")
    assert isinstance(value, int)
    return value


def test_the_snmp_group_counts_what_arrives() -> None:
    desk = Desk()
    before = {index: counter(desk, index) for index in (1, 3, 4, 6, 15, 16, 17, 21)}
    desk.ask(Kind.GET_NEXT, VarBind(number(MODEL), Tag.NULL, None))
    desk.ask(Kind.GET, VarBind(Oid.parse("1.3.6.1.4.1.318.9.9.0"), Tag.NULL, None), version=Version.V1)
    desk.ask(Kind.GET, VarBind(number(MODEL), Tag.NULL, None), community="wrong")
    desk.set("sysName.0", Tag.OCTET_STRING, b"x")
    desk.agent.receive(b"\x30\x03\x02\x01", "10.0.0.1", desk.world.now)
    after = {index: counter(desk, index) for index in before}
    assert after[16] - before[16] == 1
    assert after[21] - before[21] == 1  # noSuchName
    assert after[4] - before[4] == 1
    assert after[17] - before[17] == 1
    assert after[6] - before[6] == 1
    desk.agent.receive(bytes.fromhex("300302010a"), "10.0.0.1", desk.world.now)  # a version 10
    assert counter(desk, 3) == before[3] + 1
    assert after[1] > before[1]


def test_authentication_traps_can_be_switched_off() -> None:
    desk = Desk()
    desk.traps()
    switch = Oid.parse("1.3.6.1.2.1.11.30.0")
    answer = desk.ask(Kind.SET, VarBind(switch, Tag.INTEGER, 2))
    assert answer is not None
    assert answer.error_status == 0
    desk.ask(Kind.GET, VarBind(number(MODEL), Tag.NULL, None), community="wrong")
    assert desk.traps() == []
    answer = desk.ask(Kind.SET, VarBind(switch, Tag.INTEGER, 3))
    assert answer is not None
    assert answer.error_status == ErrorStatus.WRONG_VALUE


def test_the_engine_and_its_access_tables() -> None:
    users = {
        "mgr": {"type": "write", "auth": "sha", "auth_key": "auth passphrase 1"},
        "half": {"type": "read", "view": ["1.3.6.1.2.1.33"]},
    }
    desk = Desk(PLANT | {"ups": {"UPS1": PLANT["ups"]["UPS1"] | {"users": users}}})
    assert desk.get("snmpEngineID.0") == desk.card.engine_id
    assert desk.get("snmpEngineMaxMessageSize.0") == 2000
    mgr, half, public = (name.encode() for name in ("mgr", "half", "public"))

    def index(name: bytes) -> str:
        return ".".join(map(str, (len(name), *name)))

    assert desk.get(f"vacmGroupName.3.{index(mgr)}") == mgr
    assert desk.get(f"vacmGroupName.2.{index(public)}") == public
    assert desk.get(f"vacmAccessWriteViewName.{index(mgr)}.0.3.2") == b"allmib"
    assert desk.get(f"vacmAccessWriteViewName.{index(half)}.0.3.1") == b""
    assert desk.get(f"vacmAccessReadViewName.{index(half)}.0.3.1") == half
    assert desk.get(f"vacmViewTreeFamilyType.{index(half)}.7.1.3.6.1.2.1.33") == 1
    assert desk.get(f"vacmViewTreeFamilyType.{index(b'allmib')}.4.1.3.6.1") == 1
