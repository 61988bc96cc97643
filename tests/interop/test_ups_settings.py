"""Every setting of a UPS (003 1.7.4.3(19)): written by the gateway and read by net-snmp, and the other way round.

net-snmp reads our MIB texts and asks for the objects by their PowerNet names; what a model makes of a value that it does
not permit is told here once more, by the words of the MIB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

from ridethrough.emulators.devices.ups.profile import load_profile
from tests.support.live import Live, american_sample, running, tool

MIBS = Path(__file__).parents[2] / "mibs" / "texts"
CARDS = {"UPS1": "smart-ups-1400-100v", "UPS2": "smart-ups-1500-xlm"}
STEP_S = 360  # the UPS counts its sleep in tenths of an hour


class Row(NamedTuple):
    """A setting's object, its type for snmpset, its unit, and the permitted value that becomes of another one."""

    name: str
    type: str
    scale: int
    corrected: str  # up, down, refused, sleep
    values: tuple[int, ...] = ()  # where the MIB has an enumeration, or the profile no list


ROWS = {
    "shutoff_delay_s": Row("upsAdvConfigShutoffDelay", "t", 100, "up"),
    "return_delay_s": Row("upsAdvConfigReturnDelay", "t", 100, "up"),
    "low_battery_s": Row("upsAdvConfigLowBatteryRunTime", "t", 100, "up"),
    "sleep_s": Row("upsAdvConfigUpsSleepTime", "t", 100, "sleep", (0, 36000, 360000)),
    "high_transfer_v": Row("upsAdvConfigHighTransferVolt", "i", 1, "up"),
    "low_transfer_v": Row("upsAdvConfigLowTransferVolt", "i", 1, "down"),
    "min_return_percent": Row("upsAdvConfigMinReturnCapacity", "i", 1, "up"),
    "sensitivity": Row("upsAdvConfigSensitivity", "i", 1, "refused"),
    "buzzer": Row("upsAdvConfigAlarm", "i", 1, "refused", (1, 2, 3)),
    "buzzer_timer_s": Row("upsAdvConfigAlarmTimer", "t", 100, "down"),
    "self_test": Row("upsAdvTestDiagnosticSchedule", "i", 1, "refused", (2, 3, 4, 5)),
    "discharge_s": Row("upsAdvConfigBattExhaustThresh", "t", 100, "down"),
}
IDENTITY = {
    "model": "upsBasicIdentModel",
    "serial": "upsAdvIdentSerialNumber",
    "firmware": "upsAdvIdentFirmwareRevision",
}
WORDS = ("A", "UPS 12", "12345678")


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two cards of different makes, sixty times as fast as the wall clock."""
    document = american_sample()
    with running(document, tmp_path_factory.mktemp("rig"), "--speed", "60") as live:
        yield live


def net_snmp(live: Live, card: str, verb: str, *words: str, expect: int = 0) -> list[str]:
    """Return the lines of a net-snmp tool that knows our MIB texts; numbers are not turned into words."""
    where = ["-v1", "-c", "public", "-M", str(MIBS), "-m", "PowerNet-MIB", "-Oqvte", live.card(card)]
    return tool(verb, *where, *words, expect=expect).splitlines()


def shown(live: Live, card: str) -> dict[str, int | str]:
    """Every setting as snmpget reads it, in the unit of the object."""
    objects = [f"PowerNet-MIB::{row.name}.0" for row in ROWS.values()]
    numbers = net_snmp(live, card, "snmpget", *objects)
    name = net_snmp(live, card, "snmpget", "PowerNet-MIB::upsBasicIdentName.0")[0].strip('"')
    return {key: int(line.split()[0]) for key, line in zip(ROWS, numbers, strict=True)} | {"name": name}  # 108 V


def command(live: Live, card: str, name: str, **params: Any) -> dict[str, Any]:
    body = json.dumps({"command": name, "params": params, "deadline_s": 300}).encode()
    request = Request(f"{live.url}/v1/devices/{card}/commands", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=20) as answer:
        document: dict[str, Any] = json.load(answer)
    while document["state"] in ("pending", "running"):  # the test's own timeout bounds this
        with urlopen(f"{live.url}/v1/commands/{document['id']}", timeout=20) as answer:
            document = json.load(answer)
    return document


def permitted(card: str, setting: str) -> Sequence[int]:
    row = ROWS[setting]
    return row.values or load_profile(CARDS[card]).permitted[row.name]


def tried(card: str, setting: str) -> list[int]:
    """All that the model permits, and what it does not: below, between and above. Enumerations refuse that elsewhere."""
    own = permitted(card, setting)
    if ROWS[setting].corrected == "refused":
        return list(own)
    scale = ROWS[setting].scale
    odd = [max(0, own[0] - scale), own[0] + scale, own[-1] - scale, own[-1] + 7 * scale]
    return [*own, *(value for value in odd if value >= 0)]


def becomes(card: str, setting: str, value: int) -> int:
    """The words of the MIB: the next higher or lower one that the UPS has, and at the ends the last one."""
    own, how = permitted(card, setting), ROWS[setting].corrected
    if how == "sleep":
        step = STEP_S * ROWS[setting].scale
        return 0 if value == 0 else max(step, round(value / step) * step)
    if how == "up":
        return next((item for item in own if item >= value), own[-1])
    return next((item for item in reversed(own) if item <= value), own[0]) if how == "down" else value


@pytest.mark.parametrize("card", CARDS)
def test_what_the_gateway_writes_net_snmp_reads(cards: Live, card: str) -> None:
    rounds = max(len(tried(card, setting)) for setting in ROWS)
    for turn in range(rounds):
        values = {setting: tried(card, setting)[turn % len(tried(card, setting))] for setting in ROWS}
        name = WORDS[turn % len(WORDS)]
        units = {setting: value // ROWS[setting].scale for setting, value in values.items()}
        done = command(cards, card, "settings.write", settings=units | {"name": name})
        expected = {setting: becomes(card, setting, value) for setting, value in values.items()} | {"name": name}
        assert (done["state"], shown(cards, card)) == ("done", expected)
        assert done["details"]["settings"] == {
            key: value if isinstance(value, str) else value / ROWS[key].scale for key, value in expected.items()
        }
        assert set(done["details"]["corrected"]) == {key for key in values if values[key] != expected[key]}


@pytest.mark.parametrize("card", CARDS)
def test_what_net_snmp_writes_the_gateway_reads(cards: Live, card: str) -> None:
    rounds = max(len(tried(card, setting)) for setting in ROWS)
    for turn in range(rounds):
        values = {setting: tried(card, setting)[-1 - turn % len(tried(card, setting))] for setting in ROWS}
        words = [word for key, value in values.items() for word in (f"{ROWS[key].name}.0", ROWS[key].type, str(value))]
        net_snmp(cards, card, "snmpset", *words, "upsBasicIdentName.0", "s", f"N{turn}")
        expected = {key: becomes(card, key, value) / ROWS[key].scale for key, value in values.items()}
        cards.wait(5 * 10)  # steps to the farthest value of the longest list
        read = command(cards, card, "settings.read")["details"]
        assert read["settings"] == expected | {"name": f"N{turn}"}
        for key, item in IDENTITY.items():
            assert read[key] == net_snmp(cards, card, "snmpget", f"{item}.0")[0].strip('"').strip()


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    ("setting", "value"), [("sensitivity", 9), ("buzzer", 9), ("self_test", 99), ("sensitivity", 0), ("buzzer", 0)]
)
def test_what_is_in_no_enumeration_is_refused(cards: Live, card: str, setting: str, value: int) -> None:
    before = shown(cards, card)
    said = cards.ridethrough("command", card, "settings.write", f"settings.{setting}={value}", expect=1)
    assert f"refused {ROWS[setting].name}" in said
    lines = net_snmp(cards, card, "snmpset", f"{ROWS[setting].name}.0", "i", str(value), expect=2)
    assert "badValue" in " ".join(lines)
    assert shown(cards, card) == before


@pytest.mark.parametrize("name", ["", "123456789", "名称", "a\tb"])
def test_a_name_that_no_ups_can_have_is_refused(cards: Live, name: str) -> None:
    said = cards.ridethrough("command", "UPS1", "settings.write", f"settings.name={name}", expect=2)
    assert "expected 1 to 8 half-width characters" in said
