"""The language of scenarios refuses what cannot fail: whatever it accepts, some run does not meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.mibs import standard_tree
from ridethrough.rigs.rigfile.yaml import FileError
from ridethrough.rigs.scenario.language import Scenario, load_scenario
from ridethrough.rigs.scenario.runner import replay
from ridethrough.rigs.scenario.seen import (
    Seen,
    SeenAnswer,
    SeenCommand,
    SeenEvent,
    SeenNote,
    SeenOrder,
    SeenState,
    fits_all,
    matches,
)
from ridethrough.rigs.scenario.step import KEYS, Expectation, Step
from ridethrough.rigs.scenario.verdicts import judge

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "rigs" / "scenarios"

TEXTS = st.sampled_from(["", "a", "on", "off", "silence", "power.outage.confirmed"]) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | TEXTS
KEY_TEXTS = st.sampled_from(["a", "output", "contains", "input"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY_TEXTS, inner, max_size=3), max_leaves=6
)
TEXT_PARTS = st.builds(lambda text: {"contains": text}, TEXTS | st.integers(0, 3))
WANTED = st.recursive(
    SCALARS | TEXT_PARTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY_TEXTS, inner, max_size=3),
    max_leaves=6,
)
# One of them is unlike anything that can be wanted, of every shape.
ANSWERS: tuple[Any, ...] = (None, "", "\0", "other", 99, False, [], ["\0"], {}, {"\0": "\0"}, [[], [], [], []])


def fitting_value(wanted: Any) -> Any:
    """A value that `wanted` fits."""
    if isinstance(wanted, dict):
        if set(wanted) == {"contains"}:
            return f"<{wanted['contains']}>"
        return {key: fitting_value(value) for key, value in wanted.items()}
    if isinstance(wanted, list | tuple):
        return [fitting_value(value) for value in wanted]
    return wanted


@given(WANTED)
def test_a_wanted_value_is_refused_or_some_answer_other_than_silence_does_not_fit(wanted: Any) -> None:
    unlike = [answer for answer in ANSWERS[1:] if not matches(wanted, answer)]
    if not fits_all(wanted):
        assert unlike
        assert matches(wanted, fitting_value(wanted)), "nor is anything accepted that nothing fits"


@pytest.mark.parametrize(
    "wanted", [{}, {"contains": ""}, {"contains": None}, {"contains": 5}, [1, {}], {"a": {"b": {"contains": ""}}}]
)
def test_wanted_values_that_ask_for_nothing(wanted: Any) -> None:
    assert fits_all(wanted)


@given(VALUES, VALUES)
def test_a_key_that_is_wanted_has_to_be_there(value: Any, other: Any) -> None:
    assert matches({"a": value}, {"a": value, "b": other}) or fits_all({"a": value})
    assert not matches({"a": value}, {"b": other})


@pytest.mark.parametrize(
    ("wanted", "shown", "held"),
    [
        ({"contains": "one"}, None, False),  # the text "None" is not what a silent card says
        ({"contains": "5"}, 15, False),
        ({"contains": "X18"}, ["X23?", "X18?"], True),
        ({"contains": "X18"}, ["X23?"], False),
        ({"contains": "a"}, {"a": 1}, False),
    ],
)
def test_a_part_of_a_text_is_looked_for_in_texts(wanted: Any, shown: Any, held: bool) -> None:
    assert matches(wanted, shown) is held


# --- whole lines ----------------------------------------------------------------------------------------------------

TIMES = st.sampled_from(
    (
        {"at": 5},
        {"at": 5, "within": 2},
        {"at": 5, "within": 0},
        {"by": 0},
        {"by": 9},
        {"between": [3, 9]},
        {"between": [3, 3]},
        {"by": 5, "within": 1},
    )
)
NAMES = st.sampled_from(["", "UPS1", "cluster"])
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "type": NAMES,
        "subject": NAMES,
        "device": NAMES,
        "command": NAMES,
        "input": NAMES,
        "controller": NAMES,
        "mark": NAMES,
        "text": TEXTS,
        "args": st.lists(TEXTS, max_size=2),
        "where": st.dictionaries(KEY_TEXTS, WANTED, max_size=2),
        "params": st.dictionaries(KEY_TEXTS, WANTED, max_size=2),
        "state": WANTED,
        "output": WANTED,
    },
)


def something_else(step: Step) -> Seen:
    """A run in which what is wanted does not happen, but the opposite does."""
    first, last = step.window
    at_s = (max(first, 0) + last) / 2
    if step.expect in ("state", "steady"):
        wrong = {key: next(one for one in ANSWERS if not matches(value, one)) for key, value in step.wanted.items()}
        return Seen(states=[SeenState(0.0, step.device or "", wrong)])
    if not (step.expect or "").startswith("no "):
        return Seen()
    name = step.device or step.subject or "any"
    state = (step.model_extra or {}).get("state", "done")
    return Seen(
        events=[SeenEvent(at_s, "1-0", step.type or "", name, fitting_value(step.where))],
        commands=[
            SeenCommand(at_s, at_s, name, step.command or "any", fitting_value(step.params), fitting_value(state), "")
        ],
        orders=[SeenOrder(at_s, name, step.input or "any", step.args or ())],
        notes=[SeenNote(at_s, step.controller or "any", step.mark or "", name, step.text or "")],
    )


@given(st.sampled_from([kind for kind in get_args(Expectation) if kind != "sequence"]), TIMES, EXTRAS)
def test_every_line_that_is_accepted_fails_in_some_run(kind: str, times: dict[str, Any], extra: dict[str, Any]) -> None:
    extra = {key: value for key, value in extra.items() if key in sum(KEYS[kind], ()) or kind in ("state", "steady")}
    try:
        step = Step.model_validate({"expect": kind, **times, **extra})
    except ValidationError:
        return
    (verdict,) = judge(Scenario(scenario="X", rig=Path("r.yaml"), timeline=(step,)), something_else(step))
    assert not verdict.held


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"at": 1, "probe": "web", "answer": {"contains": ""}}, "contains wants a text that is not empty"),
        ({"at": 1, "probe": "web", "answer": {}}, "an empty mapping fits every mapping"),
        ({"at": 1, "probe": "status", "answer": [["a", {"contains": ""}]]}, "1: 2: contains wants a text"),
        ({"at": 1, "probe": "snmp", "device": "UPS1", "object": "x"}, "`answer: silence`"),
        ({"at": 1, "probe": "snmp", "device": "UPS1", "object": "x", "answer": None}, "`answer: silence`"),
        ({"at": 1, "probe": "snmp", "answer": 1, "refused": True}, "a probe that is to be refused has no answer"),
        ({"by": 9, "expect": "event", "type": "a.b", "where": {}}, "an empty mapping fits every mapping"),
        ({"by": 9, "expect": "event", "type": "a.b", "where": {"a": {}}}, "a: an empty mapping"),
        ({"by": 9, "expect": "command", "device": "UPS1", "params": {}}, "an empty mapping"),
        ({"by": 9, "expect": "state", "device": "UPS1"}, "at least one key of the device"),
        ({"by": 9, "expect": "state", "device": "UPS1", "running": {}}, "running: an empty mapping"),
        ({"by": 9, "expect": "note", "mark": "plan", "text": ""}, "an empty text"),
        ({"by": 9, "expect": "note", "mark": ""}, "an empty text"),
        ({"at": 9, "expect": "steady", "device": "UPS1", "output": "on"}, "a window of no length proves nothing"),
        ({"at": 9, "expect": "no event", "type": "a.b"}, "a window of no length proves nothing"),
        ({"by": 0, "expect": "no order", "device": "UPS1"}, "a window of no length proves nothing"),
        ({"between": [9, 9], "expect": "no note", "mark": "plan"}, "a window of no length proves nothing"),
        ({"by": 9, "within": 1, "expect": "event", "type": "a.b"}, "within is a tolerance round at"),
        ({"by": 9, "expect": "event", "type": "a.b", "device": "UPS1"}, "unknown key device"),
        ({"by": 9, "expect": "command", "device": "UPS1", "resutl": "x"}, "unknown key resutl"),
        ({"by": 9, "expect": "event", "type": "a.b", "answer": 1}, "unknown key answer"),
        ({"at": 9, "do": "city off", "within": 1}, "unknown key within"),
        ({"at": 9, "do": "city off", "device": "UPS1"}, "unknown key device"),
        ({"by": 9, "expect": "sequence", "of": []}, "needs of"),
        ({"by": 9, "expect": "sequence", "of": [{"expect": "note", "mark": "a"}]}, "two parts or more"),
        (
            {"by": 9, "expect": "sequence", "of": [{"expect": "no note", "mark": "a"}] * 2},
            "part 1 expects 'no note'; accepted: event, command, order, note, state",
        ),
        (
            {"by": 9, "expect": "sequence", "of": [{"expect": "note", "mark": "a", "at": 3}] * 2},
            "part 1 has a time of its own, at",
        ),
        (
            {"by": 9, "expect": "sequence", "of": [{"expect": "note", "mark": "a"}, {"expect": "note"}]},
            "part 2: an expectation of kind 'note' needs mark",
        ),
    ],
)
def test_lines_that_prove_nothing_are_refused(line: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Step.model_validate(line)
    assert words in str(caught.value)


def test_a_state_has_every_key_that_is_written(tmp_path: Path) -> None:
    step = Step.model_validate({"by": 9, "expect": "state", "device": "IUPS1", "input": "lost", "output": "on"})
    assert step.wanted == {"input": "lost", "output": "on"}
    assert step.words == "state IUPS1 input=lost output=on"
    seen = Seen(states=[SeenState(0.0, "IUPS1", {"input": "good", "output": "on"})])
    (verdict,) = judge(Scenario(scenario="X", rig=tmp_path, timeline=(step,)), seen)
    assert not verdict.held


@pytest.mark.parametrize(("heard", "held"), [(None, True), ("silence", False), ("", False), (0, False)])
def test_silence_is_asked_for_by_name(heard: Any, held: bool, tmp_path: Path) -> None:
    line = {"at": 1, "probe": "snmp", "device": "UPS1", "object": "x", "answer": "silence"}
    scenario = Scenario.model_validate({"scenario": "X", "rig": tmp_path, "timeline": [line]})
    (verdict,) = judge(scenario, Seen(answers=[SeenAnswer(1.0, 0, heard)]))
    assert verdict.held is held


def test_an_action_that_is_refused_is_no_answer(tmp_path: Path) -> None:
    line = {"at": 1, "probe": "snmp", "device": "UPS9", "object": "x", "refused": True}
    scenario = Scenario.model_validate({"scenario": "X", "rig": tmp_path, "timeline": [line]})
    assert judge(scenario, Seen(answers=[SeenAnswer(1.0, 0, "there is none", refused=True)]))[0].held
    assert not judge(scenario, Seen(answers=[SeenAnswer(1.0, 0, "here I am")]))[0].held
    assert not judge(scenario, Seen())[0].held


@pytest.mark.parametrize(
    ("kind", "part", "seen"),
    [
        ("event", {"type": "a.b"}, Seen(events=[SeenEvent(1.0, "1-0", "a.b", "UPS1", {})])),
        ("order", {"device": "UPS1"}, Seen(orders=[SeenOrder(1.0, "UPS1", "off", ())])),
        ("note", {"mark": "plan"}, Seen(notes=[SeenNote(1.0, "ac", "plan", "UPS1", "")])),
        ("state", {"device": "UPS1", "output": "on"}, Seen(states=[SeenState(1.0, "UPS1", {"output": "on"})])),
    ],
)
def test_what_was_seen_once_is_no_sequence_of_two(kind: str, part: dict[str, Any], seen: Seen, tmp_path: Path) -> None:
    line = {"by": 9, "expect": "sequence", "of": [{"expect": kind, **part}] * 2}
    scenario = Scenario.model_validate({"scenario": "X", "rig": tmp_path, "timeline": [line]})
    (verdict,) = judge(scenario, seen)
    assert not verdict.held
    assert "part 2" in verdict.detail


# --- whole scenarios ------------------------------------------------------------------------------------------------

HEAD = "scenario: X\nrig: {rig}\n"
PAIR = ROOT / "rigs" / "samples" / "a1080a-pair.yaml"


def written(folder: Path, *lines: str, head: str = "") -> Path:
    path = folder / "x.yaml"
    body = "".join(f"  - {line}\n" for line in lines)
    path.write_text(HEAD.format(rig=PAIR) + head + "timeline:\n" + body)
    return path


@pytest.mark.parametrize(
    ("lines", "head", "line", "words"),
    [
        (("{at: 1, do: city off}", "{by: 9, expect: note, mark: ''}"), "", 5, "timeline.1.mark: an empty text"),
        (("{at: 1, probe: web, device: UPS1, answer: {}}",), "", 4, "timeline.0.answer: an empty mapping"),
        (("{at: 5, do: city off}",), "until: 3\n", 1, "until: 3 s is before the last mark of the timeline, 5 s"),
        (
            ("{at: 5, do: server1 shutdown}", "{by: 9, expect: order, device: server1, input: shutdown}"),
            "",
            1,
            "timeline.1: the scenario itself does this: server1 shutdown",
        ),
        (
            ("{at: 5, command: output.off, device: UPS1}", "{by: 9, expect: command, device: UPS1}"),
            "",
            1,
            "timeline.1: the scenario itself does this: command UPS1 output.off",
        ),
    ],
)
def test_a_refusal_has_file_line_and_key(
    tmp_path: Path, lines: tuple[str, ...], head: str, line: int, words: str
) -> None:
    path = written(tmp_path, *lines, head=head)
    with pytest.raises(FileError) as caught:
        load_scenario(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}:{line}: ")
    assert words in problem


def test_what_a_scenario_does_itself_may_be_part_of_what_it_expects(tmp_path: Path) -> None:
    lines = (
        "{at: 5, command: output.off, device: UPS1}",
        "{by: 9, expect: command, device: UPS1, state: done}",
        "{at: 6, do: server1 shutdown}",
        "{between: [7, 9], expect: order, device: server1, input: shutdown}",
        "{by: 9, expect: order, device: server1, input: hang}",
    )
    assert len(load_scenario(written(tmp_path, *lines)).timeline) == 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{by: 9, expect: no event, type: power.outage.confirmd}", "type: there is no 'power.outage.confirmd'"),
        ("{by: 9, expect: no event, type: ups.card.lost, subject: UPS9}", "subject: there is no 'UPS9'"),
        ("{by: 9, expect: no command, device: UPS9}", "device: there is no 'UPS9'"),
        ("{by: 9, expect: no command, device: UPS1, command: output.of}", "command: there is no 'output.of'"),
        ("{by: 9, expect: no order, device: server9}", "device: there is no 'server9'"),
        ("{by: 9, expect: no order, device: server1, input: shutdwn}", "input: there is no 'shutdwn'"),
        ("{by: 9, expect: no note, mark: plan, controller: ca}", "controller: there is no 'ca'"),
    ],
)
def test_nothing_can_be_seen_of_what_is_not_there(tmp_path: Path, line: str, words: str) -> None:
    path = written(tmp_path, "{at: 1, do: city off}", line)
    with pytest.raises(FileError) as caught:
        replay(load_scenario(path), standard_tree(), "max", "free")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}:5: timeline.1.")
    assert words in problem


def test_addresses_and_rules_of_the_site_are_names_too(tmp_path: Path) -> None:
    rules = "patch: {gateway: {rules: [{match: {trap: 1.3.6.1.4.1.99999.0.7}, event: door.opened}]}}\n"
    lines = (
        "{by: 2, expect: no event, type: door.opened}",
        "{by: 2, expect: no event, type: trap.lost, subject: '::1'}",
    )
    assert replay(load_scenario(written(tmp_path, *lines, head=rules)), standard_tree(), "max", "free").held


def test_what_breaks_in_the_rig_itself_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that works nothing off any more would else prove every `no`."""

    def broken(*_: Any) -> None:
        raise KeyError("input")

    path = written(tmp_path, "{at: 1, do: city off}", "{by: 90, expect: no event, type: power.outage.cleared}")
    assert replay(load_scenario(path), standard_tree(), "max", "free").held
    monkeypatch.setattr(Stages, "process", broken)  # called by interpreted code, also where the stages are compiled
    report = replay(load_scenario(path), standard_tree(), "max", "free")
    assert not report.held
    assert "record could not be worked off: KeyError: 'input'" in report.verdicts[-1].detail


def test_marks_of_our_own_scenarios_are_marks_of_our_stand_ins() -> None:
    """A note that must not be seen has a mark that could be: nothing else would notice a slip of the pen."""
    sources = "".join(path.read_text() for path in (ROOT / "rigs" / "controllers").rglob("*.py"))
    marks = {
        step.mark for path in SCENARIOS.glob("*.yaml") for step in load_scenario(path).timeline if step.mark is not None
    }
    assert len(marks) > 15
    unknown = {mark for mark in marks if f'"{mark}"' not in sources and not mark.startswith("schedule_")}
    assert not unknown
