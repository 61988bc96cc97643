"""Writes what was found as a scenario: what happened, and what had to be seen. Pure."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ridethrough.rigs.explore.run import Run, Violation
from ridethrough.rigs.explore.runner import Reduced
from ridethrough.rigs.scenario.seen import SeenState

WIDTH = 118
LONGEST_NAME = 80
NEAR_S = 0.5  # round the instant of a violation
PLAIN = re.compile(r"[A-Za-z][\w.-]*( [\w.-]+)*$")
WORDS = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}
SECTION = re.compile(r"\((\d{3} [^()]*)\)\s*$")


class FoundBy(NamedTuple):
    """The search that a scenario comes from."""

    rig: str
    """As `rig` of the scenario names it."""
    name: str
    command: str
    """That finds it again."""
    patch: Mapping[str, Any]
    description: str
    """Of the invariant."""


def name_of(rig: str, violation: Violation) -> str:
    """Return the name of a scenario that shows a violation; it is one of a file, too."""
    return re.sub(r"[^\w.-]+", "-", f"{rig}-{violation.invariant}-{violation.subject}").strip("-")[:LONGEST_NAME]


def text_of(found: Reduced, origin: FoundBy) -> str:
    """Return a scenario file that `replay` runs. It fails as long as the rig does what was found."""
    violation, run = found.violation, found.run
    comment = f"Found by `{origin.command}`. It breaks `{violation.invariant}`: {origin.description}"
    lines = [*_comment(comment), *_comment(f"Seen at {_number(violation.at_s)} s: {violation.text}")]
    if found.others:
        also = ", ".join(f"{item.invariant} of {item.subject}" for item in found.others)
        lines += _comment(f"The same timeline shows: {also}.")
    lines += [f"scenario: {_text(origin.name)}", f"title: {_text(f'{violation.invariant} of {violation.subject}')}"]
    lines += [f"rig: {_text(origin.rig)}"]
    if patch := {**origin.patch, **found.plan.patch}:
        lines += [f"patch: {json.dumps(patch, ensure_ascii=False)}"]
    refused = set() if run is None else {item.step for item in run.seen.answers}
    end_s = run.end_s if run is not None else violation.at_s
    expected = list(expectations_of(violation, run)) if run is not None else []
    last_s = max((_last_s(step) for step in expected), default=0.0)
    lines += [f"lead_s: {LEAD_S:g}", f"until: {_number(max(end_s, last_s))}", "timeline:"]
    for number, action in enumerate(found.plan.timeline):
        note = ", refused: true" if number in refused else ""
        lines.append(f"  - {{at: {_number(action.at_s)}, do: {_text(action.words)}{note}}}")
    section = SECTION.search(violation.text)
    for step in expected:
        keys = {**step, **({"section": section[1]} if section else {})}
        lines.append(f"  - {{{', '.join(f'{key}: {_value(value)}' for key, value in keys.items())}}}")
    return "\n".join(lines) + "\n"


LEAD_S = 0.2


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH, break_on_hyphens=False)]


def _last_s(step: Mapping[str, Any]) -> float:
    return float(step["at"] if "at" in step else step["between"][1])


def _number(value: float) -> str:
    return f"{round(value, 3):g}" if abs(value) < 1e6 else str(round(value, 3))


def _text(text: str) -> str:
    return text if PLAIN.fullmatch(text) and text.lower() not in WORDS else json.dumps(text, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value)


# --- what had to be seen ------------------------------------------------------------------------------------------

Step = dict[str, Any]


def expectations_of(violation: Violation, run: Run) -> Iterator[Step]:
    """Return lines of a scenario that do not hold in this run, and would if the invariant did.

    The words of `returns` and the like have lines of their own; of every other invariant, what was seen of the subject
    at the instant of the violation must not be seen.
    """
    known = _LINES.get(violation.invariant, _not_seen)
    lines = list(known(violation, run)) or list(_not_seen(violation, run))
    yield from lines


def _states(run: Run, device: str) -> list[SeenState]:
    return [item for item in run.seen.states if item.device == device]


def _returned(violation: Violation, run: Run) -> Iterable[Step]:
    """At the end the device is what it was at the start."""
    device, _, guest = violation.subject.partition(" ")
    states = _states(run, device)
    if not states:
        return
    first, last = states[0].state, states[-1].state
    window = (run.end_s - 1, run.end_s)
    if guest:
        yield {"between": window, "expect": "state", "device": device, "guests": {guest: first["guests"][guest]}}
        return
    changed = [key for key in ("state", "output", "nodes", "running") if key in first and first[key] != last.get(key)]
    for key in changed[:1]:
        yield {"between": window, "expect": "state", "device": device, key: _wanted(first[key], last.get(key))}


def _wanted(first: Any, last: Any) -> Any:
    """Of a mapping only what has changed."""
    if isinstance(first, Mapping) and isinstance(last, Mapping):
        return {key: value for key, value in first.items() if last.get(key) != value}
    return first


def _uncut(violation: Violation, run: Run) -> Iterable[Step]:
    """The supply never goes away under a running system."""
    for item in _states(run, violation.subject)[:1]:
        if "cuts" in item.state:
            yield {
                "between": (0.0, run.end_s),
                "expect": "steady",
                "device": violation.subject,
                "cuts": item.state["cuts"],
            }


def _closed(violation: Violation, run: Run) -> Iterable[Step]:
    """At the end the gateway has no condition open that is not so."""
    subject = violation.subject.partition(" ")[0]
    opened = sorted(str(item["condition"]) for item in run.conditions if item["device"] == subject)
    true = [name for name in opened if name not in violation.text]
    if true != opened:
        yield {"at": run.end_s, "probe": "conditions", "device": subject, "answer": true}


def _once(violation: Violation, run: Run) -> Iterable[Step]:
    """The last repetition of an order is not seen."""
    subject = violation.subject.partition(" ")[0]
    own = {action.words for action in run.timeline}
    places = (subject, f"{subject}.bmc")  # a server is told by way of its BMC, too
    said = [(item.at_s, "command", item.device, item.command) for item in run.seen.commands if item.device in places]
    said += [
        (item.at_s, "order", item.device, item.input)
        for item in run.seen.orders
        if item.device == subject and " ".join((item.device, item.input, *item.args)) not in own
    ]
    words = [what[1:] for what in said]
    for at_s, kind, device, word in sorted(said, reverse=True):
        if words.count((kind, device, word)) > 1:
            key = "command" if kind == "command" else "input"
            window = (max(0.0, at_s - NEAR_S), at_s + NEAR_S)
            yield {"between": window, "expect": f"no {kind}", "device": device, key: word}
            return


def _asked(violation: Violation, run: Run) -> Iterable[Step]:
    """The user's own line."""
    for verdict in run.expectations:
        if not verdict.held and verdict.step.words == violation.subject:
            step = verdict.step.model_dump(exclude_defaults=True)
            yield {"between": verdict.step.window, **{key: value for key, value in step.items() if key not in TIMES}}


TIMES = ("at", "within", "between", "by")
_LINES: dict[str, Callable[[Violation, Run], Iterable[Step]]] = {
    "returns": _returned,
    "orderly": _uncut,
    "bounded": _once,
    "truth": _closed,
    "expectations": _asked,
}


def _not_seen(violation: Violation, run: Run) -> Iterable[Step]:
    """Nothing of the subject is seen at the instant of the violation."""
    at_s, subject = violation.at_s, violation.subject.partition(" ")[0]
    window = (max(0.0, at_s - NEAR_S), at_s + NEAR_S)
    own = {action.words for action in run.timeline}
    for command in run.seen.commands:
        if command.device == subject and window[0] <= command.at_s <= window[1]:
            yield {"between": window, "expect": "no command", "device": subject, "command": command.command}
            return
    for order in run.seen.orders:
        words = " ".join((order.device, order.input, *order.args))
        if order.device == subject and window[0] <= order.at_s <= window[1] and words not in own:
            yield {"between": window, "expect": "no order", "device": subject, "input": order.input}
            return
    states = _states(run, subject)
    before = [item for item in states if item.at_s < window[0]] or states[:1]
    after = [item for item in states if window[0] <= item.at_s <= window[1]]
    for key in ("state", "output"):
        if before and after and key in before[-1].state and after[-1].state.get(key) != before[-1].state[key]:
            yield {"between": window, "expect": "steady", "device": subject, key: before[-1].state[key]}
            return
    for event in run.seen.events:
        if event.subject == subject and window[0] <= event.at_s <= window[1]:
            yield {"between": window, "expect": "no event", "type": event.type, "subject": subject}
            return
