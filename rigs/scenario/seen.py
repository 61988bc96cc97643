"""Records of what a run showed, and how a wanted value is compared with a shown one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


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
    """Return True when equal; a mapping needs only the keys that are wanted, a text only that of {contains: TEXT}."""
    if isinstance(wanted, Mapping):
        if set(wanted) == {"contains"}:
            return str(wanted["contains"]) in str(shown)
        return isinstance(shown, Mapping) and all(matches(value, shown.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list | tuple) and isinstance(shown, list | tuple):
        return len(wanted) == len(shown) and all(matches(a, b) for a, b in zip(wanted, shown, strict=True))
    return bool(wanted == shown)
