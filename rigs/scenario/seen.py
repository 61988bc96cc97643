"""Records of what a run showed, and how a wanted value is compared with a shown one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

CONTAINS = "contains"


class SeenEvent(NamedTuple):
    """An event of the gateway."""

    at_s: float
    id: str
    type: str
    subject: str
    data: dict[str, Any]


class SeenState(NamedTuple):
    """State of a device from `at_s` on, until the next one."""

    at_s: float
    device: str
    state: dict[str, Any]


class SeenCommand(NamedTuple):
    """A command to a device. It began at `at_s` and had ended `ended_s`."""

    at_s: float
    ended_s: float
    device: str
    command: str
    params: dict[str, Any]
    state: str
    result: str


class SeenOrder(NamedTuple):
    """An input that a controller, or the scenario, gave a device of the plant."""

    at_s: float
    device: str
    input: str
    args: tuple[str, ...]


class SeenNote(NamedTuple):
    """A note of a stand-in controller."""

    at_s: float
    controller: str
    mark: str
    subject: str
    text: str


class SeenAnswer(NamedTuple):
    """Answer of a probe, or reason of a refusal; `step` counts from the first line of the timeline."""

    at_s: float
    step: int
    answer: Any
    refused: bool = False


class Seen(NamedTuple):
    """Everything that a run showed, in order of time."""

    events: Sequence[SeenEvent] = ()
    states: Sequence[SeenState] = ()
    commands: Sequence[SeenCommand] = ()
    orders: Sequence[SeenOrder] = ()
    notes: Sequence[SeenNote] = ()
    answers: Sequence[SeenAnswer] = ()


SeenItem = SeenEvent | SeenCommand | SeenOrder | SeenNote


def line_of(item: SeenItem) -> str:
    """Return an item as a line of reports."""
    match item:
        case SeenEvent():
            return f"{item.type} {item.subject} at {item.at_s:g} s"
        case SeenCommand():
            return f"{item.command} {item.device} {item.state} at {item.at_s:g} s ({item.result})"
        case SeenOrder():
            return f"{' '.join((item.device, item.input, *item.args))} at {item.at_s:g} s"
        case SeenNote():
            return f"{item.controller}: {item.mark} {item.subject} at {item.at_s:g} s"


def matches(wanted: Any, shown: Any) -> bool:
    """Return True when equal; a mapping needs the keys that are wanted, a text of {contains: TEXT} is part of a text.

    Of a list, {contains: TEXT} wants one item that it fits. A key that is wanted has to be there, whatever its value.
    """
    if isinstance(wanted, Mapping):
        if set(wanted) == {CONTAINS}:
            return _contains(wanted[CONTAINS], shown)
        return isinstance(shown, Mapping) and all(
            key in shown and matches(value, shown[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple) and isinstance(shown, list | tuple):
        return len(wanted) == len(shown) and all(matches(a, b) for a, b in zip(wanted, shown, strict=True))
    return bool(wanted == shown)


def _contains(text: Any, shown: Any) -> bool:
    if isinstance(shown, list | tuple):
        return any(_contains(text, item) for item in shown)
    return isinstance(shown, str) and str(text) in shown


def fits_all(wanted: Any) -> str:
    """Return the part of a wanted value that would fit every answer, as a line for people; empty when there is none."""
    if isinstance(wanted, Mapping):
        if not wanted:
            return "an empty mapping fits every mapping"
        if set(wanted) == {CONTAINS}:
            text = wanted[CONTAINS]
            return "" if isinstance(text, str) and text else f"contains wants a text that is not empty, not {text!r}"
        parts: Iterable[tuple[Any, Any]] = wanted.items()
    elif isinstance(wanted, list | tuple):
        parts = enumerate(wanted, start=1)
    else:
        return ""
    return next((f"{key}: {problem}" for key, part in parts if (problem := fits_all(part))), "")
