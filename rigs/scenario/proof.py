"""Expectations that every run meets, by actions of the scenario's own or by names that nothing has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from ridethrough.rigs.scenario.seen import matches
from ridethrough.rigs.scenario.step import Step


class Names(NamedTuple):
    """Names of a rig's parts, as expectations use them."""

    inputs: Mapping[str, Collection[str]]
    """Devices of the plant, and the words of their inputs."""
    managed: Mapping[str, Collection[str]]
    """Devices of the gateway, and their commands."""
    segments: Collection[str]
    """Segments of the network."""
    types: Collection[str]
    """Types of events, with those of the rules of the site."""
    controllers: Collection[str]


def own_doing(step: Step, timeline: Sequence[Step]) -> str:
    """Return the action of the timeline that meets an expectation by itself; empty when there is none.

    An order is seen as it is given, a command as it is submitted; how a command ends is up to the device.
    """
    first, last = step.window
    inside = [other for other in timeline if other.expect is None and first <= (other.at or 0) <= last]
    if step.expect == "order":
        return next((other.words for other in inside if _is_order(step, other)), "")
    if step.expect == "command" and "state" not in (step.model_extra or {}):
        return next((other.words for other in inside if _is_command(step, other)), "")
    return ""


def _is_order(step: Step, other: Step) -> bool:
    if other.do is None or other.refused:
        return False
    device, word, *args = other.do.split()
    return step.device == device and step.input in (None, word) and step.args in (None, tuple(args))


def _is_command(step: Step, other: Step) -> bool:
    return (
        other.command is not None
        and not other.refused
        and step.device == other.device
        and step.command in (None, other.command)
        and matches(step.params, other.params)
    )


def unknown_names(step: Step, names: Names) -> Iterator[tuple[str, str]]:
    """Yield keys of a `no` expectation that name something that cannot be there, with what is wrong.

    Of other expectations the verdict itself says so.
    """
    for key, known in _PLACES.get(step.expect or "", {}).items():
        name = getattr(step, key)
        accepted = known(step, names)
        if name is not None and name not in accepted and not (key == "subject" and _is_address(name)):
            yield (
                key,
                f"there is no {name!r}, so this holds whatever happens; accepted: {', '.join(accepted) or 'none'}",
            )


def _is_address(subject: str) -> bool:
    """Events of unknown senders, and those of listeners, have an address as subject."""
    host = subject.rpartition(":")[0] if subject.count(":") == 1 else subject
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_Known = Callable[[Step, Names], Collection[str]]
_PLACES: dict[str, dict[str, _Known]] = {
    "no event": {
        "type": lambda _step, names: names.types,
        "subject": lambda _step, names: list(dict.fromkeys((*names.managed, *names.inputs, *names.segments))),
    },
    "no command": {
        "device": lambda _step, names: names.managed,
        "command": lambda step, names: names.managed.get(step.device or "", ()),
    },
    "no order": {
        "device": lambda _step, names: names.inputs,
        "input": lambda step, names: names.inputs.get(step.device or "", ()),
    },
    "no note": {"controller": lambda _step, names: names.controllers},
}
