"""net-snmp as manager, trap sender and trap receiver."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

import pytest

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import Live, running, sample, start, stop, tool

U = "1.3.6.1.4.1.318.1.1.1"


@pytest.mark.parametrize("card", ["UPS1", "UPS2"])
def test_get_walk_and_set(pair: Live, card: str) -> None:
    assert "SMART-UPS 1400" in tool("snmpget", "-v1", "-c", "public", pair.card(card), f"{U}.1.1.1.0")
    for version in ("-v1", "-v2c"):
        lines = tool("snmpwalk", version, "-c", "public", "-On", pair.card(card), "1.3.6.1.4.1.318").splitlines()
        assert len([line for line in lines if " = " in line and "No more" not in line]) == 143
    bulk = tool("snmpbulkwalk", "-v2c", "-c", "public", "-On", pair.card(card), "1.3.6.1").splitlines()
    assert (
        len([line for line in bulk if " = " in line and "No more" not in line]) == 150 + 66
    )  # of the card, and of its SNMP engine
    written = tool("snmpset", "-v1", "-c", "public", pair.card(card), f"{U}.1.1.2.0", "s", "RACK7")
    assert "RACK7" in written
    assert "RACK7" in tool("snmpget", "-v2c", "-c", "public", pair.card(card), f"{U}.1.1.2.0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-v2c", "set", f"{U}.6.1.1.0", "i", "2"], "genError"),
        (["-v1", "set", f"{U}.6.1.1.0", "i", "2"], "(genError)"),
        (["-v2c", "set", f"{U}.6.1.1.0", "t", "200"], "wrongType"),
        (["-v1", "set", f"{U}.6.1.1.0", "t", "200"], "(badValue)"),
        (["-v2c", "set", f"{U}.6.1.1", "i", "2"], "notWritable"),
        (["-v1", "set", f"{U}.1.1.1.0", "s", "x"], "(noSuchName)"),
        (["-v1", "get", f"{U}.99.0"], "(noSuchName)"),
    ],
)
def test_errors_as_net_snmp_prints_them(pair: Live, arguments: list[str], words: str) -> None:
    version, verb, *rest = arguments
    assert words in tool(f"snmp{verb}", version, "-c", "public", pair.card("UPS1"), *rest, expect=2)


def test_an_absent_object_in_version_2(pair: Live) -> None:
    assert "No Such Object" in tool("snmpget", "-v2c", "-c", "public", pair.card("UPS1"), f"{U}.99.0")


def test_a_wrong_community_meets_silence_and_is_told(pair: Live) -> None:
    tool("snmpget", "-v1", "-c", "wrong", "-t", "0.5", "-r", "0", pair.card("UPS2"), "1.3.6.1.2.1.1.1.0", expect=1)
    assert "security.authentication_failure UPS2" in " ".join(pair.ridethrough("events").split())


def test_traps_and_informs_from_outside_are_journaled_and_seen(pair: Live) -> None:
    text = ["1.3.6.1.4.1.318.2.3.3.0", "s", "from outside"]
    tool("snmptrap", "-v1", "-c", "public", pair.traps, "1.3.6.1.4.1.99999", "127.0.0.9", "6", "7", "", *text)
    tool("snmptrap", "-v2c", "-c", "public", pair.traps, "", "1.3.6.1.4.1.318.0.2", *text)
    tool("snmpinform", "-v2c", "-c", "public", "-r", "0", pair.traps, "", "1.3.6.1.4.1.318.0.15", *text)
    tool("snmpinform", "-v2c", "-c", "wrong", "-r", "0", "-t", "0.3", pair.traps, "", "1.3.6.1.4.1.318.0.15", expect=1)
    events = [json.loads(line) for line in pair.ridethrough("events", "--json").splitlines()]
    ours = {
        event["type"]: event
        for event in events
        if "from outside" in json.dumps(event["data"]["evidence"].get("variables", []))
    }
    assert set(ours) == {"trap.unknown", "ups.output.overload", "ups.output.rebooting"}
    evidence = ours["trap.unknown"]["data"]["evidence"]
    assert (evidence["trap_oid"], evidence["version"]) == ("1.3.6.1.4.1.99999.0.7", "v1")
    assert evidence["variables"] == [{"name": "mtrapargsString.0", "value": "from outside"}]
    assert ours["ups.output.rebooting"]["data"]["evidence"]["inform"] is True


def test_snmptrapd_reads_our_traps(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    port = free_port()
    document["ports"]["trap"] = port
    document["gateway"]["listen"] = [{"address": "127.0.0.1", "port": free_port()}]
    config = tmp_path / "snmptrapd.conf"
    config.write_text("disableAuthorization yes\nformat1 %a~%w|%q~%N|%v\\n\n")
    command = ["snmptrapd", "-f", "-n", "-On", "-C", "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
    receiver, _ = start(command, "NET-SNMP version")
    assert receiver.stdout is not None
    try:
        with running(document, tmp_path) as live:
            live.tell("city off")
            seen = read_traps(receiver.stdout, {("127.0.1.1", "6|.5"), ("127.0.1.2", "6|.5")})
    finally:
        stop(receiver)
    for address in ("127.0.1.1", "127.0.1.2"):
        assert seen[address, "0|0"].startswith(".1.3.6.1.4.1.318.1.3.2.10|")  # coldStart names the model
        mains = seen[address, "6|.5"]
        assert mains.startswith(".1.3.6.1.4.1.318|")
        assert '.1.3.6.1.4.1.318.2.3.3.0 = STRING: "UPS: On battery power' in mains


def read_traps(stream: IO[str], wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Read lines `agent~generic|specific~enterprise|variables` until every wanted trap has come."""
    seen: dict[tuple[str, str], str] = {}
    while not wanted <= set(seen):
        agent, numbers, rest = stream.readline().split("~", 2)
        seen[agent, numbers] = rest.strip()
    return seen


def test_what_was_set_outlives_the_process(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    data = ["--data", str(tmp_path / "data")]
    with running(document, tmp_path, "--speed", "20", *data) as live:
        tool("snmpset", "-v1", "-c", "public", live.card("UPS1"), "1.3.6.1.2.1.1.6.0", "s", "room 5")
        tool("snmpset", "-v1", "-c", "public", live.card("UPS1"), f"{U}.5.2.10.0", "t", "60000")
    with running(document, tmp_path, *data) as live:
        shown = tool("snmpget", "-v1", "-c", "public", live.card("UPS1"), "1.3.6.1.2.1.1.6.0", f"{U}.5.2.10.0")
        assert "room 5" in shown
        assert "(60000)" in shown
        # The journal is there too: the events of the first run come before those of the second.
        events = live.ridethrough("events")
        assert events.count("ups.card.restarted") == 4


def test_a_slow_a_deaf_and_a_spoilt_card(pair: Live) -> None:
    words = ["snmpget", "-v2c", "-c", "public", "-r", "0", pair.card("UPS1"), f"{U}.4.1.1.0"]
    pair.tell("UPS1 slow 1000")
    try:
        assert "Timeout" in tool(*words, "-t", "0.5", expect=1)
        assert "INTEGER: 2" in tool(*words, "-t", "10")
        pair.tell("UPS1 smooth")
        pair.tell("UPS1 drop 100")
        assert "Timeout" in tool(*words, "-t", "0.5", expect=1)
        pair.tell("UPS1 smooth")
        pair.tell("UPS1 firmware_lost")
        assert "No Such Object" in tool(*words)
    finally:
        pair.tell("UPS1 smooth")
        pair.tell("UPS1 firmware_restored")
    assert "INTEGER: 2" in tool(*words)
