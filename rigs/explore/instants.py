"""The instants of a run that matter: when anything was seen, and a second on both sides. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ridethrough.rigs.explore.run import Run
from ridethrough.rigs.scenario.seen import SeenState

ASIDE_S = 1.0
WORDS = ("state", "output", "waiting", "running", "voltage")
"""Keys of a device whose changes are instants; measured values change all the time."""


def instants_of(run: Run) -> tuple[float, ...]:
    """Return when each event, order, command, note and change of state was, and a second before and after it.

    A command and a delay that a device has begun end with another such mark, so deadlines are among them. Marks within
    a tenth of a second of another one count once.
    """
    marks = [action.at_s for action in run.timeline]
    marks += [item.at_s for kind in (run.seen.events, run.seen.orders, run.seen.notes) for item in kind]
    marks += [mark for command in run.seen.commands for mark in (command.at_s, command.ended_s)]
    marks += _changes(run.seen.states)
    last_s = run.end_s
    wanted = {round(mark + aside, 1) for mark in marks for aside in (-ASIDE_S, 0.0, ASIDE_S)}
    return tuple(sorted(mark for mark in wanted if 0 < mark < last_s))


def _changes(states: Iterable[SeenState]) -> Iterable[float]:
    shown: dict[str, list[object]] = {}
    for item in states:
        now = [item.state.get(key) for key in WORDS]
        if item.device in shown and shown[item.device] != now:
            yield item.at_s
        shown[item.device] = now
