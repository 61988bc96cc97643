from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree as ET

import msgspec
import pytest

from ridethrough.gateway.records import Event, encode_json
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox, StoredEvents
from ridethrough.mibs import standard_tree
from ridethrough.rigs.rigfile.ports import PortChoice
from ridethrough.rigs.scenario.language import Scenario, load_scenario
from ridethrough.rigs.scenario.runner import Report, replay
from ridethrough.rigs.scenario.seen import Seen, SeenEvent, SeenNote, SeenOrder, SeenState
from ridethrough.rigs.scenario.verdicts import judge

SCENARIOS = Path(__file__).parents[2] / "rigs" / "scenarios"


def play(name: str, ports: PortChoice = "free") -> Report:
    return replay(load_scenario(SCENARIOS / f"{name}.yaml"), standard_tree(), "max", ports)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: no tuple for a list, no enumeration for its text."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same(list(one), list(other)) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.timeout(400)  # U12 is eight days of polls, 25 s of processor time
@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_holds_and_sinks_get_what_is_on_disk(path: Path) -> None:
    told: list[Event] = []

    def grown(outbox: SqliteOutbox, what: StoredEvents) -> None:
        told.extend(queued.event for queued in what.events)
        as_it_is(outbox, what)

    as_it_is = SqliteOutbox.extend_tail
    with patch.object(SqliteOutbox, "extend_tail", grown):
        report = play(path.stem)
    # Sinks get what was just told from memory, and the rest as JSON from disk.
    read = [msgspec.json.decode(encode_json(event), type=Event) for event in told]
    assert all(map(same, map(msgspec.structs.asdict, told), map(msgspec.structs.asdict, read)))
    assert len(told) >= len(report.seen.events)
    assert report.seen.events or report.seen.orders  # I2-local has nothing that a gateway hears
    assert [f"{verdict.step.words}: {verdict.detail}" for verdict in report.verdicts if not verdict.held] == []
    assert report.verdicts
    assert report.scenario.scenario == path.stem


@pytest.mark.parametrize("name", ["C1", "D3", "B1", "O1", "J3"])
def test_two_runs_see_the_same(name: str) -> None:
    first, second = play(name, "high"), play(name, "high")
    for kind in ("events", "states", "orders", "notes"):
        assert getattr(first.seen, kind) == getattr(second.seen, kind)
    assert first.verdicts == second.verdicts
    assert len(first.seen.events) > 4


def test_all_kinds_of_the_requirements_are_there() -> None:
    names = {path.stem.partition("-")[0] for path in SCENARIOS.glob("*.yaml")}
    wanted = {
        *(f"U{n:02}" for n in range(1, 14)),
        *(f"H{n}" for n in range(1, 6)),
        *(f"C{n}" for n in range(1, 10)),
        *(f"D{n}" for n in range(1, 9)),
        *(f"M{n}" for n in range(1, 6)),
        *(f"S{n}" for n in range(1, 7)),
        *(f"T{n}" for n in range(1, 11)),
        *(f"B{n}" for n in range(1, 9)),
        *(f"R{n}" for n in range(1, 5)),
        *("O1", "L1", "L2", "V1", "A1", "J1", "J2", "J3", "K1", "K2", "K3", "I1", "N1", "N2", "N3"),
    }
    assert wanted <= names


def test_every_configuration_of_the_mixed_mode_is_scheduled() -> None:
    assert {path.stem for path in SCENARIOS.glob("S3-*.yaml")} == {f"S3-c{n}" for n in range(1, 10)}


def scenario(*steps: dict[str, Any]) -> Scenario:
    return Scenario.model_validate({"scenario": "X", "rig": "r.yaml", "timeline": list(steps)})


SEEN = Seen(
    events=[SeenEvent(5.0, "1-0", "a.b", "UPS1", {"group": "G"}), SeenEvent(9.0, "2-0", "c.d", "UPS1", {})],
    states=[SeenState(0.0, "UPS1", {"output": "on", "of": {"a": 1}}), SeenState(10.0, "UPS1", {"output": "off"})],
    orders=[SeenOrder(7.0, "cluster", "move", ("g", "n2"))],
    notes=[SeenNote(8.0, "ac", "plan", "UPS1", "servers a, b")],
)


@pytest.mark.parametrize(
    ("step", "held", "detail"),
    [
        ({"by": 6, "expect": "event", "type": "a.b"}, True, "at 5 s"),
        ({"between": [6, 9], "expect": "event", "type": "a.b"}, False, "seen only at 5 s"),
        ({"between": [6, 9], "expect": "event", "type": "x"}, False, "never seen; in its window: c.d UPS1 at 9 s"),
        ({"by": 6, "expect": "event", "type": "a.b", "subject": "UPS2"}, False, "never seen"),
        ({"by": 6, "expect": "event", "type": "a.b", "where": {"group": "G"}}, True, "at 5 s"),
        ({"by": 6, "expect": "event", "type": "a.b", "where": {"group": "H"}}, False, "never seen"),
        ({"by": 6, "expect": "no event", "type": "c.d"}, True, "not seen"),
        ({"by": 9, "expect": "no event", "type": "c.d"}, False, "seen: c.d UPS1 at 9 s"),
        ({"at": 9, "expect": "state", "device": "UPS1", "output": "on"}, True, "since 0 s"),
        ({"at": 9, "expect": "state", "device": "UPS1", "output": "off"}, False, "showed [{'output': 'on'"),
        ({"between": [0, 9], "expect": "steady", "device": "UPS1", "output": "on"}, True, "all the time"),
        ({"between": [0, 11], "expect": "steady", "device": "UPS1", "output": "on"}, False, "'since_s': 10.0"),
        ({"by": 9, "expect": "order", "device": "cluster", "input": "move", "args": ["g", "n2"]}, True, "at 7 s"),
        ({"by": 9, "expect": "order", "device": "cluster", "input": "move", "args": ["g", "n1"]}, False, "never seen"),
        ({"by": 6, "expect": "no order", "device": "cluster"}, True, "not seen"),
        ({"by": 9, "expect": "no order", "device": "cluster"}, False, "seen: cluster move g n2 at 7 s"),
        ({"by": 9, "expect": "note", "mark": "plan", "text": "a, b"}, True, "at 8 s"),
        ({"by": 9, "expect": "note", "mark": "plan", "text": "c"}, False, "in its window: ac: plan UPS1"),
        ({"at": 9, "within": 1, "expect": "state", "device": "UPS1", "output": "off"}, True, "since 10 s"),
        ({"at": 9, "expect": "state", "device": "UPS7", "output": "on"}, False, "there is no such device"),
        ({"by": 9, "expect": "command", "device": "UPS1", "command": "output.off"}, False, "nearest: nothing"),
    ],
)
def test_verdicts_say_what_was_seen_instead(step: dict[str, Any], held: bool, detail: str) -> None:
    (verdict,) = judge(scenario(step), SEEN)
    assert verdict.held is held
    assert detail in verdict.detail


@pytest.mark.parametrize(
    ("step", "slack_s", "held"),
    [
        ({"by": 4, "expect": "event", "type": "a.b"}, 0.5, False),
        ({"by": 4, "expect": "event", "type": "a.b"}, 1, True),
        ({"between": [6, 9], "expect": "event", "type": "a.b"}, 1, True),
        ({"by": 5.5, "expect": "no event", "type": "a.b"}, 1, True),
        ({"by": 6.5, "expect": "no event", "type": "a.b"}, 1, False),
        ({"between": [0, 11], "expect": "steady", "device": "UPS1", "output": "on"}, 1.5, True),
        ({"between": [0, 12], "expect": "steady", "device": "UPS1", "output": "on"}, 1.5, False),
        ({"at": 9, "expect": "state", "device": "UPS1", "output": "off"}, 1, True),
    ],
)
def test_where_time_is_real_everything_may_be_a_little_early_or_late(
    step: dict[str, Any], slack_s: float, held: bool
) -> None:
    (verdict,) = judge(scenario(step), SEEN, slack_s)
    assert verdict.held is held
    assert verdict.step == scenario(step).timeline[0]


def ridethrough(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ridethrough", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("parts", "held", "detail"),
    [
        ([{"expect": "event", "type": "a.b"}, {"expect": "order", "device": "cluster"}], True, "at 5 s, 7 s"),
        ([{"expect": "order", "device": "cluster"}, {"expect": "event", "type": "a.b"}], False, "part 2"),
        ([{"expect": "note", "mark": "plan"}, {"expect": "state", "device": "UPS1", "output": "off"}], True, "10 s"),
    ],
)
def test_a_sequence_is_one_after_the_other(parts: list[dict[str, Any]], held: bool, detail: str) -> None:
    (verdict,) = judge(scenario({"by": 20, "expect": "sequence", "of": parts}), SEEN)
    assert verdict.held is held
    assert detail in verdict.detail


def test_variables_includes_and_patches(tmp_path: Path) -> None:
    (tmp_path / "part.yaml").write_text(
        "vars: {place: city}\ntimeline:\n  - {at: 1, do: '${place} off'}\n  - {by: 5, expect: note, mark: '${mark}'}\n"
    )
    path = tmp_path / "whole.yaml"
    (tmp_path / "r.yaml").touch()
    path.write_text(
        "scenario: W\nrig: r.yaml\nvars: {second: 30, mark: m}\n"
        "include: [{file: part.yaml, at: 10}, {file: part.yaml, at: 20, vars: {place: other}}]\n"
        "patch: {seed: '${second}'}\ntimeline:\n  - {at: '${second}', do: city on}\n"
    )
    read = load_scenario(path)
    assert [(step.at, step.by, step.do or step.mark) for step in read.timeline] == [
        (30, None, "city on"),
        (11, None, "city off"),
        (None, 15, "m"),
        (21, None, "other off"),
        (None, 25, "m"),
    ]
    assert read.patch == {"seed": 30}


def test_the_verb_prints_verdicts_and_ends_with_their_status(tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    good = ridethrough("replay", str(SCENARIOS / "B1.yaml"), "--junit", str(junit), "--keep", str(tmp_path / "kept"))
    assert (good.returncode, good.stderr) == (0, "")
    assert "B1: 8 of 8 expectations held" in good.stdout
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("B1", "8", "0")
    assert list((tmp_path / "kept" / "B1").iterdir())
    page = tmp_path / "out.html"
    document = json.loads(ridethrough("replay", str(SCENARIOS / "B1.yaml"), "--json", "--html", str(page)).stdout)
    text = page.read_text()
    assert "1 of 1 scenarios held" in text
    assert "bmc.notice at 10 s</title>" in text
    assert not re.search(r"<script|src=|href=\"http", text), "the page loads nothing"
    assert document[0]["held"] is True
    bad = tmp_path / "bad.yaml"
    text = (SCENARIOS / "B1.yaml").read_text().replace("../samples", str(SCENARIOS.parent / "samples"))
    bad.write_text(text.replace("running: {failover1: server1}", "running: {failover1: server2}", 1))
    failed = ridethrough("replay", str(bad), "--junit", str(junit))
    assert failed.returncode == 1
    assert "FAIL" in failed.stdout
    (failure,) = ET.parse(junit).getroot().iter("failure")
    assert "server1" in (failure.get("message") or "")
    assert ridethrough("replay", str(tmp_path / "none.yaml")).returncode == 2
