"""The states of devices over time: at an instant, their changes, and the spans in which something held. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from ridethrough.rigs.scenario.seen import SeenState

State = Mapping[str, Any]
UNSEEN: State = {}


class Span(NamedTuple):
    """A stretch of time, in seconds from the start of the timeline."""

    begin_s: float
    end_s: float

    def overlaps(self, begin_s: float, end_s: float) -> bool:
        """Return True when the two have an instant in common."""
        return self.begin_s <= end_s and begin_s <= self.end_s


class ValueChange(NamedTuple):
    """A value of a device's state that became another one."""

    at_s: float
    before: Any
    after: Any


class History:
    """The states of all devices of a run, each from its record to the next one."""

    def __init__(self, states: Sequence[SeenState], end_s: float) -> None:
        self.end_s = end_s
        self._times: dict[str, list[float]] = {}
        self._states: dict[str, list[State]] = {}
        for item in states:
            self._times.setdefault(item.device, []).append(item.at_s)
            self._states.setdefault(item.device, []).append(item.state)

    def __contains__(self, device: str) -> bool:
        return device in self._times

    def first(self, device: str) -> State:
        """Return the state with which a run began."""
        return self._states.get(device, [UNSEEN])[0]

    def last(self, device: str) -> State:
        """Return the state with which a run ended."""
        return self._states.get(device, [UNSEEN])[-1]

    def at(self, device: str, at_s: float) -> State:
        """Return the state once everything of that instant had happened; the first one for instants before it."""
        states = self._states.get(device, [UNSEEN])
        return states[max(0, bisect_right(self._times.get(device, ()), at_s) - 1)]

    def before(self, device: str, at_s: float) -> State:
        """Return the state just before an instant."""
        states = self._states.get(device, [UNSEEN])
        return states[max(0, bisect_left(self._times.get(device, ()), at_s) - 1)]

    def changes(self, device: str, key: str = "state") -> Iterator[ValueChange]:
        """Every change of one value, in order of time."""
        states, times = self._states.get(device, ()), self._times.get(device, ())
        for index in range(1, len(states)):
            before, after = states[index - 1].get(key), states[index].get(key)
            if before != after:
                yield ValueChange(times[index], before, after)

    def spans(self, device: str, holds: Callable[[State], bool]) -> list[Span]:
        """Return the stretches in which `holds` was true; one that lasts until the end of the run ends at infinity."""
        spans: list[Span] = []
        begin_s: float | None = None
        for at_s, state in zip(self._times.get(device, ()), self._states.get(device, ()), strict=True):
            if holds(state):
                begin_s = at_s if begin_s is None else begin_s
            elif begin_s is not None:
                spans.append(Span(begin_s, at_s))
                begin_s = None
        return spans if begin_s is None else [*spans, Span(begin_s, inf)]

    def since_s(self, device: str, value: Any, key: str = "state", until_s: float = inf) -> float:
        """Return the last instant up to `until_s` at which a value became this one; minus infinity if it always was."""
        times = [change.at_s for change in self.changes(device, key) if change.after == value]
        return max((at_s for at_s in times if at_s <= until_s), default=-inf)
