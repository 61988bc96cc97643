from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mibs import standard_tree
from rigs.runner import Report, replay
from rigs.scenario import Scenario, Seen, SeenEvent, SeenState, judge, load_scenario

SCENARIOS = Path(__file__).parents[2] / "rigs" / "samples" / "scenarios"


def play(name: str) -> Report:
    return replay(load_scenario(SCENARIOS / f"{name}.yaml"), standard_tree(), "max", "high")


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_holds(path: Path) -> None:
    report = play(path.stem)
    assert [f"{verdict.step.words}: {verdict.detail}" for verdict in report.verdicts if not verdict.held] == []
    assert report.verdicts


def test_three_runs_of_c2_give_the_same_events() -> None:
    first, second, third = (play("c2").seen.events for _ in range(3))
    assert first == second == third
    assert len(first) > 20


def test_the_sequence_of_c2_is_that_of_the_documents() -> None:
    events = [(event.at_s, event.type) for event in play("c2").seen.events if event.subject == "UPS3"]
    assert events == [
        (0.0, "ups.card.restarted"),
        (0.0, "ups.input.lost"),
        (60.0, "power.outage.confirmed"),
        (248.0, "ups.shutdown.started"),
        (548.0, "ups.output.off"),
        (704.0, "ups.input.restored"),
        (704.0, "power.outage.cleared"),
        (760.0, "ups.output.on"),
    ]


def scenario(*steps: dict[str, Any]) -> Scenario:
    return Scenario.model_validate({"scenario": "X", "rig": "r.yaml", "timeline": list(steps)})


SEEN = Seen(
    [SeenEvent(5.0, "1-0", "a.b", "UPS1", {"group": "G"}), SeenEvent(9.0, "2-0", "c.d", "UPS1", {})],
    [SeenState(0.0, "UPS1", {"output": "on"}), SeenState(10.0, "UPS1", {"output": "off"})],
    [],
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
        ({"by": 9, "expect": "no event", "type": "c.d"}, False, "seen at 9 s"),
        ({"at": 9, "expect": "state", "device": "UPS1", "output": "on"}, True, "since 0 s"),
        ({"at": 9, "expect": "state", "device": "UPS1", "output": "off"}, False, "showed [{'output': 'on'"),
        ({"at": 9, "within": 1, "expect": "state", "device": "UPS1", "output": "off"}, True, "since 10 s"),
        ({"at": 9, "expect": "state", "device": "UPS7", "output": "on"}, False, "there is no such device"),
        ({"by": 9, "expect": "command", "device": "UPS1", "command": "output.off"}, False, "no command"),
    ],
)
def test_verdicts_say_what_was_seen_instead(step: dict[str, Any], held: bool, detail: str) -> None:
    (verdict,) = judge(scenario(step), SEEN)
    assert verdict.held is held
    assert detail in verdict.detail


def standin(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rigs.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_verb_prints_verdicts_and_ends_with_their_status(tmp_path: Path) -> None:
    good = standin("replay", str(SCENARIOS / "b1.yaml"))
    assert (good.returncode, good.stderr) == (0, "")
    assert "B1: 10 of 10 expectations held" in good.stdout
    document = json.loads(standin("replay", str(SCENARIOS / "b1.yaml"), "--json").stdout)
    assert document[0]["held"] is True
    bad = tmp_path / "bad.yaml"
    text = (
        (SCENARIOS / "b1.yaml").read_text().replace("../a1080a-pair.yaml", str(SCENARIOS.parent / "a1080a-pair.yaml"))
    )
    bad.write_text(text.replace("subject: server1.bmc", "subject: server2.bmc", 1))
    failed = standin("replay", str(bad))
    assert failed.returncode == 1
    assert "FAIL" in failed.stdout
    assert standin("replay", str(tmp_path / "none.yaml")).returncode == 2
