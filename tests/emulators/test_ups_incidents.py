"""Faults, incidents, bypass, temperature and age: what each shows, sends and changes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.emulators.devices.ups.card.environment import LIMITS
from ridethrough.emulators.devices.ups.faults import FAULTS, MOMENTARY_FAULTS
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import ErrorStatus, Tag
from tests.emulators.rig import Desk, american, profile_with

RECORDED = Path(__file__).parents[1] / "recordings" / "traps.csv"
YEAR_S = 365 * 86_400


def flags(desk: Desk) -> set[int]:
    """Positions of the ones in the state string."""
    text = desk.get("upsBasicStateOutputState.0")
    assert isinstance(text, bytes)
    return {at for at, digit in enumerate(text.decode(), start=1) if digit == "1"}


@pytest.mark.parametrize("word", [word for word, row in FAULTS.items() if not row.bypass_only])
def test_a_trouble_is_told_shown_and_mended(word: str) -> None:
    row = FAULTS[word]
    desk = american()
    before = flags(desk)
    desk.inject("UPS1", "trouble", word)
    assert row.begins in desk.traps()
    if row.flag:
        assert row.flag in flags(desk)
    if row.abnormal:
        conditions = desk.get("upsAdvStateAbnormalConditions.0")
        assert isinstance(conditions, bytes)
        assert conditions[row.abnormal - 1 : row.abnormal] == b"1"
        assert 1 in flags(desk)
    desk.inject("UPS1", "trouble", word)  # once is enough
    assert desk.traps() == []
    desk.inject("UPS1", "mend", word)
    assert row.ends in desk.traps()
    desk.inject("UPS1", "button_on")
    assert flags(desk) == before


@pytest.mark.parametrize("word", list(MOMENTARY_FAULTS))
def test_an_incident_is_a_trap_and_nothing_else(word: str) -> None:
    desk = american()
    before = flags(desk)
    desk.inject("UPS1", "incident", word)
    assert desk.traps() == [MOMENTARY_FAULTS[word][0]]
    assert flags(desk) == before


def rows() -> Iterable[dict[str, str]]:
    return csv.DictReader(line for line in RECORDED.read_text().splitlines() if not line.startswith("#"))


# Traps of a UPS, its card and its environment that these models cannot enter, and why.
NOT_OURS = {
    "parts that no profile has": {18, 19, *range(57, 67), 175, 176, *range(543, 570), 787},
    "no rate limits among the objects of these cards": set(range(527, 535)),
    "the card takes no new code and no users": {32, 82, 83},
    "no object changes its configuration without a trap of its own": {516},
}


def test_every_trap_of_the_maker_that_the_models_can_enter() -> None:
    scopes = {"UPS", "environment", "card", "outlet group"}
    wanted = {int(row["number"]) for row in rows() if row["scope"] in scopes}
    told = {int(trap) for trap in Trap} | {number for number, _ in MOMENTARY_FAULTS.values()}
    for trouble in FAULTS.values():
        told |= {trouble.begins, trouble.ends}
    for limit in LIMITS:
        told |= {*limit.iem, *limit.uio}
    assert wanted - told == set().union(*NOT_OURS.values())


def test_the_mib_lists_the_variables_of_each_trap_in_the_order_of_the_maker() -> None:
    tree = standard_tree()
    for row in rows():
        found = tree.find(Oid.parse(f"1.3.6.1.4.1.318.0.{row['number']}"))
        if row["scope"] in ("UPS", "environment", "card", "outlet group"):
            assert found is not None
            assert (found[0].name, found[0].objects) == (row["name"], tuple(row["variables"].split()))


def test_a_spent_charger_does_not_charge() -> None:
    desk = american()
    desk.inject("UPS1", "charge", "50")
    desk.inject("UPS1", "trouble", "charger")
    desk.at(3600)
    assert desk.get("upsAdvBatteryCapacity.0") == 50
    desk.inject("UPS1", "mend", "charger")
    desk.at(7200)
    assert desk.get("upsAdvBatteryCapacity.0") == 83


def test_without_a_battery_an_outage_is_the_end() -> None:
    desk = american()
    desk.inject("UPS1", "trouble", "no_battery")
    desk.inject("city", "off")
    assert not desk.ups.output_on
    assert desk.get("upsAdvBatteryRunTimeRemaining.0") == 0


def test_emergency_power_off_keeps_the_output_off_until_the_button() -> None:
    desk = american()
    desk.inject("UPS1", "trouble", "epo")
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.OFF
    desk.at(600)
    assert not desk.ups.output_on
    desk.inject("UPS1", "mend", "epo")
    assert not desk.ups.output_on
    desk.inject("UPS1", "button_on")
    assert desk.ups.output_on


def test_a_fault_may_move_the_load_to_the_battery_on_a_good_line() -> None:
    desk = american()
    desk.inject("UPS1", "trouble", "transfer")
    assert desk.traps() == [777]  # and no outage: the line is good
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_BATTERY
    desk.inject("UPS1", "mend", "transfer")
    assert desk.traps() == [778]


def test_a_failed_regulator_leaves_a_low_line_as_it_is() -> None:
    desk = american()
    desk.inject("city", "volts", "108")
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_SMART_BOOST
    desk.inject("UPS1", "trouble", "regulator")
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    assert desk.get("upsAdvOutputVoltage.0") == 108


def test_an_abnormal_condition_is_told_with_its_number() -> None:
    desk = american()
    desk.inject("UPS1", "abnormal", "27")
    (out,) = desk.card.outgoing
    assert (out.trap.specific_trap, out.trap.varbinds[0].value) == (77, 27)
    desk.traps()
    desk.inject("UPS1", "normal", "27")
    assert desk.traps() == [78]


def test_a_hot_room_makes_the_battery_too_warm_and_a_cool_one_mends_that() -> None:
    desk = american()
    desk.inject("UPS1", "ambient", "50")
    desk.at(60)
    assert desk.traps() == []
    warm_at_s = 120 * (45 - 31.5)  # two minutes for each degree
    desk.at(warm_at_s - 1)
    assert desk.traps() == []
    desk.at(warm_at_s + 1)
    assert desk.traps() == [Trap.OVER_TEMPERATURE]
    assert desk.get("upsAdvBatteryTemperature.0") == 45
    assert 26 in flags(desk)
    desk.inject("UPS1", "ambient", "25")
    desk.at(warm_at_s + 4000)
    assert desk.traps() == [Trap.OVER_TEMPERATURE_CLEARED]
    assert desk.get("upsHighPrecBatteryTemperature.0") == 250


def test_frost_reads_as_nothing_because_a_gauge_has_no_sign() -> None:
    desk = american()
    desk.inject("UPS1", "ambient", "-5")
    desk.at(7200)
    assert (desk.get("upsAdvBatteryTemperature.0"), desk.get("upsHighPrecBatteryTemperature.0")) == (0, 0)


def test_a_discharge_warms_the_battery() -> None:
    desk = american()
    cool = desk.get("upsHighPrecBatteryTemperature.0")
    desk.inject("city", "off")
    desk.at(200)
    warm = desk.get("upsHighPrecBatteryTemperature.0")
    assert isinstance(cool, int)
    assert isinstance(warm, int)
    assert warm > cool


def test_an_old_battery_carries_less_and_asks_to_be_replaced() -> None:
    desk = american()
    young_s = desk.ups.runtime_s(desk.world.now)
    desk.inject("UPS1", "age", "3")
    assert desk.ups.runtime_s(desk.world.now) == pytest.approx(0.9 * young_s)
    assert desk.traps() == []
    desk.inject("UPS1", "age", "4")
    assert desk.traps() == [17]
    assert desk.get("upsAdvBatteryReplaceIndicator.0") == 2
    assert desk.ups.runtime_s(desk.world.now) == pytest.approx(0.8 * young_s)
    desk.inject("UPS1", "battery_replaced")
    assert desk.traps() == [36]
    assert desk.ups.runtime_s(desk.world.now) == pytest.approx(young_s)


def test_age_comes_by_itself() -> None:
    desk = american()
    desk.set("upsAdvTestDiagnosticSchedule.0", Tag.INTEGER, 5)  # never, so that nothing else happens
    desk.at(4 * YEAR_S - 10)
    assert 17 not in desk.traps()
    desk.at(4 * YEAR_S + 10)
    assert desk.traps() == [17]


def test_external_packs_lengthen_the_runtime() -> None:
    desk = american()
    alone_s = desk.ups.runtime_s(desk.world.now)
    desk.inject("UPS1", "packs", "2")
    assert desk.get("upsAdvBatteryNumOfBattPacks.0") == 2
    assert desk.ups.runtime_s(desk.world.now) == pytest.approx(3 * alone_s)


@pytest.mark.parametrize(
    ("inputs", "cause"),
    [
        ([("sag", "20")], 6),
        ([("sag", "60")], 5),
        ([("swell", "120")], 7),
        ([("swell", "130")], 8),
        ([("noise",)], 10),
        ([("hertz", "54")], 10),
    ],
)
def test_causes_of_a_transfer(inputs: list[tuple[str, ...]], cause: int) -> None:
    desk = american()
    for words in inputs:
        desk.inject("city", *words)
    assert desk.ups.on_battery
    assert desk.get("upsAdvInputLineFailCause.0") == cause
    assert desk.traps() == [5]
    desk.inject("city", "on")
    desk.inject("city", "quiet")
    assert desk.traps() == [9]


def test_low_sensitivity_puts_up_with_noise() -> None:
    desk = american()
    desk.set("upsAdvConfigSensitivity.0", Tag.INTEGER, 2)
    desk.at(30)
    desk.inject("city", "noise")
    assert not desk.ups.on_battery


# --- bypass -----------------------------------------------------------------------------------------------------

SWITCH = "upsAdvControlBypassSwitch.0"


def with_bypass(folder: Path) -> Desk:
    return american(profile_with(folder, "smart-ups-1500-xlm", "bypass: true\n"))


def test_a_model_without_bypass_refuses_it() -> None:
    desk = american()
    assert desk.set(SWITCH, Tag.INTEGER, 2) is ErrorStatus.WRONG_VALUE
    assert desk.set(SWITCH, Tag.INTEGER, 1) is ErrorStatus.NO_ERROR
    with pytest.raises(InputError):
        desk.inject("UPS1", "bypass", "switched")
    with pytest.raises(InputError):
        desk.inject("UPS1", "trouble", "bypass_fan")


def test_bypass_by_command_and_back(tmp_path: Path) -> None:
    desk = with_bypass(tmp_path)
    desk.inject("city", "volts", "108")
    desk.traps()
    assert desk.set(SWITCH, Tag.INTEGER, 2) is ErrorStatus.NO_ERROR
    assert desk.traps() == [21]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.SOFTWARE_BYPASS
    assert desk.get("upsAdvOutputVoltage.0") == 108  # the bare line
    assert desk.get("upsOutputSource.0") == 4
    assert 13 in flags(desk)
    assert desk.set(SWITCH, Tag.INTEGER, 3) is ErrorStatus.NO_ERROR
    assert desk.traps() == [23]
    assert desk.get("upsAdvOutputVoltage.0") == 120  # regulated again


def test_the_bypass_of_a_command_ends_with_the_line(tmp_path: Path) -> None:
    desk = with_bypass(tmp_path)
    desk.set(SWITCH, Tag.INTEGER, 2)
    desk.traps()
    desk.inject("city", "off")
    assert desk.traps() == [23, 5]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_BATTERY


@pytest.mark.parametrize(("how", "trap", "status", "flag"), [("switched", 22, 9, 12), ("hardware", 20, 10, 14)])
def test_a_load_on_forced_bypass_goes_with_the_line(
    tmp_path: Path, how: str, trap: int, status: int, flag: int
) -> None:
    desk = with_bypass(tmp_path)
    desk.inject("UPS1", "bypass", how)
    assert desk.traps() == [trap]
    assert desk.get("upsBasicOutputStatus.0") == status
    assert flag in flags(desk)
    desk.inject("city", "off")
    assert desk.get("upsAdvOutputVoltage.0") == 0
    assert not desk.ups.on_battery
    desk.inject("city", "on")
    desk.inject("UPS1", "unbypass")
    assert 23 in desk.traps()
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
