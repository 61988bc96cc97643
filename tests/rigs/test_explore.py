"""The search for outages: its parts by properties, then whole searches with a fault planted for each invariant."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.backend import GatewayBackend
from ridethrough.mibs import standard_tree
from ridethrough.rigs.explore.attached import InProcess, Program
from ridethrough.rigs.explore.carry_out import carry_out
from ridethrough.rigs.explore.dimensions import DIMENSIONS, found_on
from ridethrough.rigs.explore.explorer import Limits, Result, explored
from ridethrough.rigs.explore.instants import instants_of
from ridethrough.rigs.explore.invariants import INVARIANTS
from ridethrough.rigs.explore.pool import at_once
from ridethrough.rigs.explore.run import Action, Run, Violation
from ridethrough.rigs.explore.runner import Reduced, Setting
from ridethrough.rigs.explore.scenario_file import FoundBy, text_of
from ridethrough.rigs.explore.search import search, spread
from ridethrough.rigs.explore.shrink import LIMIT, rank, shrink
from ridethrough.rigs.explore.timeline import Plan, Spell, actions_of
from ridethrough.rigs.rigfile.bundled import FOLDER
from ridethrough.rigs.rigfile.schema import load_rig
from ridethrough.rigs.scenario.language import load_scenario
from ridethrough.rigs.scenario.runner import replay
from ridethrough.rigs.scenario.seen import Seen, SeenEvent, SeenState

STARTER = Path(__file__).parents[2] / "rigs" / "starter" / "rig.yaml"
TIMES = st.integers(0, 2000).map(float)
WORDS = st.sampled_from(
    [("city off", "city on"), ("city sag 80", "city on"), ("UPS1 mute", "UPS1 unmute"), ("UPS1 charge 40", "")]
)
SPELLS = st.lists(
    st.tuples(WORDS, TIMES, st.floats(0.1, 900)).map(
        lambda it: Spell(*it[0], it[1], it[1] + it[2] if it[0][1] else 0.0)
    ),
    max_size=6,
).map(tuple)


# --- timelines ----------------------------------------------------------------------------------------------------


@given(SPELLS)
def test_whatever_begins_also_ends(spells: tuple[Spell, ...]) -> None:
    timeline = actions_of(spells)
    assert list(timeline) == sorted(timeline, key=lambda action: action.at_s)
    for place, ends in (("city", {"city on"}), ("UPS1 mute", {"UPS1 unmute"})):
        own = [it for it in timeline if it.words in ends or it.words.startswith(place)]
        if own:
            assert own[-1].words in ends
            assert own[-1].at_s == round(max(spell.until_s for spell in spells if spell.end in ends), 3)
    for before, after in pairwise(timeline):
        assert before.words != after.words or before.words == "UPS1 charge 40"


def test_spells_that_overlap_are_one() -> None:
    spells = (Spell("city off", "city on", 0, 60), Spell("city off", "city on", 30, 90))
    assert actions_of(spells) == (Action(0, "city off"), Action(90, "city on"))
    changing = (Spell("city off", "city on", 0, 60), Spell("city sag 80", "city on", 60, 70))
    assert [action.words for action in actions_of(changing)] == ["city off", "city sag 80", "city on"]


# --- shrinking ----------------------------------------------------------------------------------------------------


def covers(plan: Plan, words: str, at_s: float) -> bool:
    return any(spell.begin == words and spell.at_s <= at_s < spell.until_s for spell in plan.spells)


@given(SPELLS, TIMES, st.floats(0.5, 600))
def test_what_is_left_shows_the_same_and_nothing_can_go(
    spells: tuple[Spell, ...], at_s: float, lasting_s: float
) -> None:
    def shows(plan: Plan) -> bool:
        return any(spell.begin == "city off" and spell.until_s - spell.at_s >= lasting_s for spell in plan.spells)

    plan = Plan((*spells, Spell("city off", "city on", at_s, at_s + lasting_s)), {"seed": 2})
    shortest, runs = shrink(plan, shows, 1000)
    assert shows(shortest)
    assert len(shortest.spells) == 1
    assert shortest.patch == {}
    assert shortest.spells[0].at_s == 0
    assert runs <= 1000
    assert shrink(plan, shows, 1000) == (shortest, runs)
    begun, ended = rank(shortest.spells[0].at_s), rank(shortest.spells[0].until_s)
    assert begun == 0
    assert ended <= max(rank(plan.spells[-1].until_s - at_s), 1)


@given(SPELLS, TIMES)
def test_shrinking_is_bounded(spells: tuple[Spell, ...], at_s: float) -> None:
    asked = 0

    def shows(plan: Plan) -> bool:
        nonlocal asked
        asked += 1
        return covers(plan, "city off", at_s)

    plan = Plan((*spells, Spell("city off", "city on", at_s, at_s + 7.3)))
    shortest, runs = shrink(plan, shows)
    assert runs == asked <= LIMIT
    assert covers(shortest, "city off", at_s)


# --- the order of plans -------------------------------------------------------------------------------------------


def lesson(plan: Plan) -> tuple[float, ...]:
    return tuple(sorted({action.at_s + aside for action in plan.timeline for aside in (1.0, 30.0, 61.5)}))


def taken(seed: int, batches: int) -> Iterator[Plan]:
    rig = load_rig(FOLDER / "a1080a-pair.yaml")
    going = search(found_on(rig), seed)
    batch = next(going)
    for _ in range(batches):
        yield from batch
        batch = going.send([lesson(plan) for plan in batch])


def test_plans_depend_on_the_seed_alone_and_come_once() -> None:
    first, again, other = list(taken(1, 12)), list(taken(1, 12)), list(taken(2, 12))
    assert first == again
    assert first != other
    keys = [json.dumps([plan.timeline, plan.patch]) for plan in first]
    assert len(keys) == len(set(keys))
    words = {action.words for plan in first for action in plan.timeline}
    assert {"gateway kill", "clusterpro kill", "UPS1 mute", "city sag 80", "server1.bmc lan_cut"} <= words


def test_every_dimension_has_something_on_some_rig() -> None:
    found: set[str] = set()
    for path in FOLDER.glob("*.yaml"):
        found |= set(found_on(load_rig(path)))
    hubs = {"hubs": {"hub1": {"power": "UPS1", "serves": ["UPS1"]}}}
    found |= set(found_on(load_rig(STARTER, patch=hubs)))
    assert found == {row.name for row in DIMENSIONS}
    assert "gateway" not in found_on(load_rig(STARTER), without=["gateway"])


def test_a_rig_that_names_its_ports_is_run_once_at_a_time() -> None:
    assert at_once(load_rig(FOLDER / "a1080a-port.yaml", "free"), 2) == 1
    assert at_once(load_rig(FOLDER / "receivers.yaml", "free"), 2) == 1
    assert at_once(load_rig(FOLDER / "a1080a-pair.yaml", "free"), 2) == 2
    assert at_once(load_rig(FOLDER / "a1080a-port.yaml", "free"), 0) == 0


def test_every_beginning_of_a_spread_is_spread() -> None:
    assert spread([1, 2, 3, 4, 5, 6, 7]) == [4, 2, 6, 1, 3, 5, 7]
    assert sorted(spread(list(range(100)))) == list(range(100))


def test_instants_are_what_was_seen_and_a_second_aside() -> None:
    seen = Seen(
        events=[SeenEvent(60.0, "1", "a", "UPS1", {})],
        states=[
            SeenState(0.0, "UPS1", {"state": "on", "load_w": 1}),
            SeenState(7.0, "UPS1", {"state": "on", "load_w": 2}),
            SeenState(100.0, "UPS1", {"state": "off", "load_w": 2}),
        ],
    )
    run = Run(load_rig(STARTER), (Action(0.0, "city off"),), seen, 300.0)
    assert instants_of(run) == (1.0, 59.0, 60.0, 61.0, 99.0, 100.0, 101.0)


# --- programs that are killed -------------------------------------------------------------------------------------


def killed(*timeline: Action) -> Run:
    return carry_out(load_rig(FOLDER / "003-a.yaml", "free"), standard_tree(), timeline, 1400)


def running(run: Run) -> set[str]:
    last = {item.device: item.state for item in run.seen.states}
    return {name for name in run.rig.servers if last[name]["state"] == "running"}


@pytest.mark.parametrize("name", ["gateway", "ac"])
def test_a_plan_goes_on_when_a_killed_program_is_back(name: str) -> None:
    """It is killed while the cluster stops, and the servers come back with the disk all the same."""
    run = killed(
        Action(0, "storage off"), Action(40, f"{name} kill"), Action(90, f"{name} restart"), Action(300, "storage on")
    )
    assert run.failures == ()
    assert run.seen.answers == []
    assert running(run) == set(run.rig.servers)
    shut = [order.at_s for order in run.seen.orders if order.input == "shutdown"]
    assert len(shut) == 4
    assert min(shut) >= 90


def test_a_program_is_killed_once_and_restarted_once() -> None:
    run = carry_out(
        load_rig(FOLDER / "003-a.yaml", "free"),
        standard_tree(),
        [Action(1, "gateway restart"), Action(2, "ac restart"), Action(3, "ac kill"), Action(4, "ac power_off"), Action(5, "ac restart")],
        5,
    )  # fmt: skip
    assert [(item.step, item.answer) for item in run.seen.answers] == [
        (0, "the gateway runs"),
        (1, "ac runs"),
        (3, "ac does not run"),
    ]


# --- searches with a planted fault --------------------------------------------------------------------------------

Session = aiohttp.ClientSession
Act = Callable[[Session, dict[str, Any]], Awaitable[None]]


async def give(session: Session, device: str, command: str, **params: Any) -> None:
    body = {"command": command, "params": params}
    async with session.post(f"/v1/devices/{device}/commands", json=body) as answer:
        given = await answer.json()
    while given["state"] in ("pending", "running"):
        await asyncio.sleep(0.5)
        async with session.get(f"/v1/commands/{given['id']}") as answer:
            given = await answer.json()


def following(act: Act) -> Callable[[str], Awaitable[None]]:
    """A controller of a few lines: `act` for each event."""

    async def control(url: str) -> None:
        async with (
            Session(url, timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.get("/v1/events/stream", params={"after": ""}) as stream,
        ):
            async for line in stream.content:
                if line.startswith(b"data:"):
                    await act(session, json.loads(line[5:]))

    return control


async def orderly(session: Session, event: dict[str, Any]) -> None:
    """Right: it ends the server, and its UPS goes off and returns."""
    if event["type"] == "power.outage.confirmed":
        await give(session, "server1.bmc", "power.soft")
        await give(session, "UPS1", "output.off_and_return")


async def forgetful(session: Session, event: dict[str, Any]) -> None:
    """It forgets that the mains may return while the server shuts down."""
    if event["type"] == "power.outage.confirmed":
        await give(session, "server1.bmc", "power.soft")
        await give(session, "UPS1", "output.off")


async def nervous(session: Session, event: dict[str, Any]) -> None:
    """It restarts the server when power is back that was never gone from it."""
    if event["type"] == "ups.input.restored":
        await give(session, "server1.bmc", "power.reset")
    await orderly(session, event)


async def brutal(session: Session, event: dict[str, Any]) -> None:
    """It ends the server when its output is off already."""
    if event["type"] == "power.outage.confirmed":
        await give(session, "UPS1", "output.off", order="off_now")


async def insistent(session: Session, event: dict[str, Any]) -> None:
    """It says everything again after a minute."""
    await orderly(session, event)
    if event["type"] == "power.outage.confirmed":
        await asyncio.sleep(60)
        await orderly(session, event)


async def broken(session: Session, event: dict[str, Any]) -> None:
    if event["type"] == "power.outage.cleared":
        raise KeyError("outage")
    await orderly(session, event)


def stale(_backend: GatewayBackend) -> list[dict[str, Any]]:
    """The gateway has a condition open that is not so."""
    return [{"device": "UPS1", "condition": "input", "since": "2026-01-01T00:00:00Z", "text": "input power lost"}]


WITHOUT = ("gateway", "controller", "fault", "lan", "load")


def searched(act: Act, expected: tuple[dict[str, Any], ...] = (), runs: int = 16) -> Result:
    setting = Setting(STARTER, {"controllers": []}, "max", InProcess(following(act)), expected)
    return explored(setting, 1, Limits(runs=runs, findings=2, without=WITHOUT), 0)


def found(result: Result, invariant: str) -> Reduced:
    (finding,) = [item for item in result.findings if item.violation.invariant == invariant]
    assert len(finding.plan.timeline) <= 5
    assert finding.run is not None
    assert all(action.at_s == round(action.at_s) for action in finding.plan.timeline)
    return finding


@pytest.mark.campaign
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("act", "invariant"),
    [
        (forgetful, "returns"),
        (nervous, "undisturbed"),
        (brutal, "orderly"),
        (insistent, "bounded"),
        (broken, "failures"),
    ],
)
def test_a_planted_fault_is_found_and_shortened(act: Act, invariant: str, tmp_path: Path) -> None:
    finding = found(searched(act), invariant)
    if invariant == "failures":
        return  # no line of a scenario says that a program goes on
    file = tmp_path / "found.yaml"
    file.write_text(
        text_of(finding, FoundBy(str(STARTER), "found", "ridethrough explore", {"controllers": []}, "rule"))
    )
    scenario = load_scenario(file)
    steps = [(step.at, step.do) for step in scenario.timeline if step.do is not None]
    assert steps == [(action.at_s, action.words) for action in finding.plan.timeline]
    assert any(step.expect for step in scenario.timeline)


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_a_condition_that_is_not_so_is_found() -> None:
    with patch.object(GatewayBackend, "conditions", stale):
        finding = found(searched(orderly), "truth")
    assert finding.violation.subject == "UPS1"
    assert finding.plan.timeline == ()  # nothing has to happen for it


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_an_expectation_of_ones_own_is_found_broken() -> None:
    lines = ({"expect": "no command", "device": "UPS1", "command": "output.off_and_return"},)
    finding = found(searched(orderly, lines), "expectations")
    assert "UPS1" in finding.violation.subject


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_a_controller_without_a_fault_is_not_blamed() -> None:
    assert searched(orderly, runs=4) == Result(4, ())


@pytest.mark.campaign
@pytest.mark.timeout(200)
def test_a_fault_of_a_stand_in_is_found_and_its_scenario_fails_and_then_holds(tmp_path: Path) -> None:
    """The stand-in for AC loses the order to switch the outputs of the cluster on again."""
    from ridethrough.rigs.controllers.esmpro_ac.startup import StartupSequence

    async def nothing(*_: Any) -> None:
        return

    setting = Setting(FOLDER / "003-a.yaml")
    planted = patch.object(StartupSequence, "run", nothing)
    with planted:
        result = explored(setting, 1, Limits(runs=4, findings=1), 0)
    finding = found(result, "returns")
    file = tmp_path / "found.yaml"
    file.write_text(text_of(finding, FoundBy("003-a", "found", "ridethrough explore 003-a", {}, "all returns")))
    with planted:
        assert not replay(load_scenario(file), standard_tree(), "max", "free").held


def test_lines_say_what_had_to_be_seen() -> None:
    states = [
        SeenState(0.0, "server1", {"state": "running", "cuts": 0}),
        SeenState(50.0, "server1", {"state": "off", "cuts": 1}),
    ]
    run = Run(load_rig(STARTER), (Action(0.0, "city off"),), Seen(states=states), 900.0)
    wanted = {
        "returns": "{between: [899, 900], expect: state, device: server1, state: running}",
        "orderly": "{between: [0, 900], expect: steady, device: server1, cuts: 0}",
        "undisturbed": "{between: [49.5, 50.5], expect: steady, device: server1, state: running}",
    }
    for invariant, line in wanted.items():
        finding = Reduced(
            Plan((Spell("city off", "city on", 0, 60),)), Violation(invariant, "server1", 50.0, "why"), (), run, 3
        )
        text = text_of(finding, FoundBy("starter", "x: y", "ridethrough explore", {}, "a rule"))
        assert f"  - {line}\n" in text
        assert 'scenario: "x: y"' in text
        assert "  - {at: 60, do: city on}\n" in text


# --- the verb -----------------------------------------------------------------------------------------------------


def ridethrough(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ridethrough", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, cwd=cwd)


def test_the_verb_lists_what_it_judges_by_and_what_varies() -> None:
    text = ridethrough("explore", "--list").stdout
    described = {row.name: row.description for row in INVARIANTS} | {row.name: row.description for row in DIMENSIONS}
    for name, description in described.items():
        assert name in text
        assert description in text
    document = json.loads(ridethrough("explore", "--list", "--json").stdout)
    assert set(document["invariants"]) == {row.name for row in INVARIANTS}


@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_processes(tmp_path: Path) -> None:
    told = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        folder.mkdir()
        options = ("--runs", "4", "--seed", "3", "--jobs", jobs, "--out", "found", "--junit", "report.xml", "--json")
        done = ridethrough("explore", "c3", *options, cwd=folder)
        assert (done.returncode, done.stderr) == (1 if json.loads(done.stdout)["findings"] else 0, "")
        told.append((done.stdout, {path.name: path.read_bytes() for path in sorted(folder.rglob("*.*"))}))
    assert told[0] == told[1]
    suite = ET.fromstring(told[0][1]["report.xml"])[0]
    assert [case.get("name") for case in suite] == [row.name for row in INVARIANTS]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explore",), "expected a rig"),
        (("explore", "no-such-rig"), "no-such-rig"),
        (("explore", "c3", "--for", "soon"), "60s, 30m or 2h"),
        (("explore", "c3", "--controllers", "nobody"), "accepted: none, ac"),
        (("explore", "c3", "--controller", "nowhere:control"), "nowhere"),
        (("explore", "c3", "--controller", "nowhere"), "MODULE:FUNCTION"),
        (("explore", "c3", "--without", "weather"), "accepted: mains"),
        (("explore", "c3", "--command", "true", "--speed", "max"), "clock that jumps"),
        (("explore", "c3", "--command", "true", "--controller", "a:b"), "give one"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words: tuple[str, ...], said: str) -> None:
    done = ridethrough(*words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_search_and_its_processes() -> None:
    words = [sys.executable, "-m", "ridethrough", "explore", "a1080a-pair", "--for", "100s", "--jobs", "2"]
    command = ["env", "--default-signal=INT", *words]  # a background job of a shell without job control ignores it
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while len(begun := children.read_text().split()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert "0 found, interrupted" in out or not out  # it had not begun
    assert not any(Path(f"/proc/{pid}/fd").exists() for pid in begun)


def test_a_file_of_expectations_is_read_with_its_lines(tmp_path: Path) -> None:
    from ridethrough.rigs.explore.expectations import load_expectations
    from ridethrough.rigs.rigfile.yaml import FileError

    file = tmp_path / "always.yaml"
    file.write_text("timeline:\n  - {expect: no command, device: UPS1}\n  - {at: 0, do: city off}\n")
    assert load_expectations(file) == ({"expect": "no command", "device": "UPS1"},)
    file.write_text("timeline:\n  - {expect: no command, device: UPS1}\n  - {expect: no command}\n")
    with pytest.raises(FileError, match=r"always.yaml:3: .*device"):
        load_expectations(file)
    file.write_text("timeline: []\n")
    with pytest.raises(FileError, match="no line"):
        load_expectations(file)


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_a_program_of_its_own_is_searched_in_fast_time(tmp_path: Path) -> None:
    """It ends at once, which is found, with its last words."""
    program = Program(
        (sys.executable, "-c", "import os; print('at', os.environ['RIDETHROUGH_URL']); raise SystemExit(3)")
    )
    setting = Setting(STARTER, {"controllers": []}, 2000, program)
    result = explored(setting, 1, Limits(runs=1, findings=1), 0)
    (finding,) = [item for item in result.findings if item.violation.invariant == "failures"]
    assert "status 3: at http://127.0.0.1" in finding.violation.text
