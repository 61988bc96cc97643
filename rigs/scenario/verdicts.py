"""Judge a run: which expectations held, and what was seen instead. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.seen import (
    Seen,
    SeenCommand,
    SeenEvent,
    SeenNote,
    SeenOrder,
    SeenState,
    line_of,
    matches,
)
from ridethrough.rigs.scenario.step import Step

ROUNDING_S = 0.0005  # instants are whole milliseconds
NEAR = 6  # neighbours that a failure shows


class Verdict(NamedTuple):
    """Outcome of an expectation: `detail` has what was seen."""

    step: Step
    held: bool
    detail: str


def judge(scenario: Scenario, seen: Seen, slack_s: float = 0.0) -> list[Verdict]:
    """Return a verdict for every expectation and every refused action, in the order of the file.

    With `slack_s` everything may come so much earlier or later.
    """
    verdicts = []
    for index, step in enumerate(scenario.timeline):
        if step.expect is not None:
            verdicts.append(_JUDGES[step.expect](_slackened(step, slack_s), seen)._replace(step=step))
            continue
        answer = next((item for item in seen.answers if item.step == index), None)
        if (judged := step.action.judge(step, answer)) is not None:
            verdicts.append(Verdict(step, *judged))
    return verdicts


def _slackened(step: Step, slack_s: float) -> Step:
    """The step with a wider window; with a narrower one where nothing, or nothing else, may be seen in it."""
    if not slack_s:
        return step
    first, last = step.window
    earlier, later = (first + slack_s, last - slack_s) if step.lasts else (max(0.0, first - slack_s), last + slack_s)
    window = (earlier, max(earlier, later))
    return step.model_copy(update={"between": window, "at": None, "within": None, "by": None})


def fitting(step: Step, seen: Seen) -> list[Any]:
    """Return the events, commands, orders or notes that fit an expectation, within its window."""
    find = _FITTING.get(step.expect or "")
    return [item for item in find(step, seen) if _inside(step, item.at_s)] if find is not None else []


def _inside(step: Step, at_s: float) -> bool:
    first, last = step.window
    return first - ROUNDING_S <= at_s <= last + ROUNDING_S


# --- what fits a step, whenever it was ----------------------------------------------------------------------------


def _events(step: Step, seen: Seen) -> list[SeenEvent]:
    return [
        event
        for event in seen.events
        if event.type == step.type and step.subject in (None, event.subject) and matches(step.where, event.data)
    ]


def _commands(step: Step, seen: Seen) -> list[SeenCommand]:
    wanted = (step.model_extra or {}).get("state")
    return [
        item
        for item in seen.commands
        if item.device == step.device
        and step.command in (None, item.command)
        and wanted in (None, item.state)
        and matches(step.params, item.params)
    ]


def _orders(step: Step, seen: Seen) -> list[SeenOrder]:
    return [
        item
        for item in seen.orders
        if item.device == step.device and step.input in (None, item.input) and step.args in (None, item.args)
    ]


def _notes(step: Step, seen: Seen) -> list[SeenNote]:
    return [
        item
        for item in seen.notes
        if item.mark == step.mark
        and step.controller in (None, item.controller)
        and step.subject in (None, item.subject)
        and (step.text or "") in item.text
    ]


_FITTING: dict[str, Callable[[Step, Seen], list[Any]]] = {
    "event": _events,
    "command": _commands,
    "order": _orders,
    "note": _notes,
}


def _all(kind: str, seen: Seen) -> Sequence[Any]:
    kinds: dict[str, Sequence[Any]] = {
        "event": seen.events,
        "command": seen.commands,
        "order": seen.orders,
        "note": seen.notes,
    }
    return kinds[kind]


def _one(kind: str) -> Callable[[Step, Seen], Verdict]:
    def judged(step: Step, seen: Seen) -> Verdict:
        found = _FITTING[kind](step, seen)
        if hits := [item for item in found if _inside(step, item.at_s)]:
            return Verdict(step, True, f"at {hits[0].at_s:g} s")
        if found:
            return Verdict(step, False, "seen only at " + ", ".join(f"{item.at_s:g} s" for item in found[:NEAR]))
        near = [item for item in _all(kind, seen) if _inside(step, item.at_s)]
        if not near:  # nothing in its window: show what was nearest
            middle = sum(step.window) / 2
            near = sorted(sorted(_all(kind, seen), key=lambda item: abs(item.at_s - middle))[:NEAR])
            around = "; ".join(line_of(item) for item in near)
            return Verdict(step, False, f"never seen; nothing in its window; nearest: {around or 'nothing'}")
        return Verdict(step, False, f"never seen; in its window: {'; '.join(line_of(item) for item in near[:NEAR])}")

    return judged


def _none(kind: str) -> Callable[[Step, Seen], Verdict]:
    def judged(step: Step, seen: Seen) -> Verdict:
        hits = [item for item in _FITTING[kind](step, seen) if _inside(step, item.at_s)]
        return Verdict(step, not hits, f"seen: {line_of(hits[0])}" if hits else "not seen")

    return judged


# --- states -------------------------------------------------------------------------------------------------------


def _history(step: Step, seen: Seen) -> list[SeenState]:
    """Return the state when the window began, and the changes in it."""
    first, last = step.window
    history = [entry for entry in seen.states if entry.device == step.device]
    before = [entry for entry in history if entry.at_s <= first + ROUNDING_S][-1:]
    return before + [entry for entry in history if first + ROUNDING_S < entry.at_s <= last + ROUNDING_S]


def _shows(step: Step, entry: SeenState) -> bool:
    return matches(step.wanted, entry.state)


def _shown(step: Step, entries: list[SeenState]) -> str:
    wanted = step.wanted
    shown = [{key: entry.state.get(key) for key in wanted} | {"since_s": entry.at_s} for entry in entries]
    changes = [entry for at, entry in enumerate(shown) if not _same(entry, shown[at - 1] if at else None)]
    return f"showed {changes[:NEAR] or 'nothing: there is no such device'}"


def _same(entry: dict[str, Any], before: dict[str, Any] | None) -> bool:
    return before is not None and {**entry, "since_s": 0} == {**before, "since_s": 0}


def _state(step: Step, seen: Seen) -> Verdict:
    entries = _history(step, seen)
    for entry in entries:
        if _shows(step, entry):
            return Verdict(step, True, f"since {entry.at_s:g} s")
    return Verdict(step, False, _shown(step, entries))


def _steady(step: Step, seen: Seen) -> Verdict:
    entries = _history(step, seen)
    wrong = next((entry for entry in entries if not _shows(step, entry)), None)
    if entries and wrong is None:
        return Verdict(step, True, "all the time")
    return Verdict(step, False, _shown(step, entries))


# --- order --------------------------------------------------------------------------------------------------------


class _Mark(NamedTuple):
    """An instant at which a part of a sequence came true, and the record that shows it."""

    at_s: float
    shown_by: tuple[int, str]


def _sequence(step: Step, seen: Seen) -> Verdict:
    """Each part is looked for behind the one before it, within the window of the whole; a record serves one part."""
    first, last = step.window
    found: list[_Mark] = []
    for number, raw in enumerate(step.of, start=1):
        part = Step.model_validate({"between": step.window, **raw})
        after = found[-1].at_s if found else first - ROUNDING_S
        candidates = (mark for mark in _marks(part, seen) if after <= mark.at_s <= last + ROUNDING_S)
        mark = next((mark for mark in candidates if mark not in found), None)
        if mark is None:
            before = ", ".join(f"{mark.at_s:g} s" for mark in found)
            return Verdict(step, False, f"part {number} ({part.words}) did not follow; before it: {before}")
        found.append(mark)
    return Verdict(step, True, "at " + ", ".join(f"{mark.at_s:g} s" for mark in found))


def _marks(part: Step, seen: Seen) -> list[_Mark]:
    """Everything that fits a part of a sequence, in the order of time; of a state, when it begins to be shown."""
    if part.expect != "state":
        return [_Mark(item.at_s, (id(item), "")) for item in _FITTING[part.expect or ""](part, seen)]
    entries = [entry for entry in seen.states if entry.device == part.device]
    return [
        _Mark(entry.at_s, (id(entry), part.words))  # one state may show several things at once
        for at, entry in enumerate(entries)
        if _shows(part, entry) and (at == 0 or not _shows(part, entries[at - 1]))
    ]


_JUDGES: dict[str, Callable[[Step, Seen], Verdict]] = {
    "event": _one("event"),
    "no event": _none("event"),
    "state": _state,
    "steady": _steady,
    "command": _one("command"),
    "no command": _none("command"),
    "order": _one("order"),
    "no order": _none("order"),
    "note": _one("note"),
    "no note": _none("note"),
    "sequence": _sequence,
}
