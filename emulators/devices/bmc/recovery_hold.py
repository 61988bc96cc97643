"""The hold on the chassis: what a fault does to the server waits until a cluster has recovered from it.

The states, timeouts and rules are of our reading; only the order of the six steps is documented. Both mappings,
standard commands and commands of the maker's own, end here.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.chassis import Action, RestartCause
from ridethrough.emulators.kernel.instant import Instant, after, soonest

MOST_INCIDENTS = 32
MOST_STEPS, SHOWN_STEPS = 256, 12


class State(IntEnum):
    """Where an incident stands."""

    IDLE = 0
    DETECTED = 1
    NOTIFIED = 2
    HELD = 3
    RELEASED = 4
    ACTING = 5


class Flags(IntFlag):
    """Settings of the link."""

    ON = 1
    NEEDS_ACKNOWLEDGE = 2  # a notice counts as received only when it is acknowledged
    ACTS_ON_TIMEOUT = 4


class Result(IntEnum):
    """How a recovery ended."""

    OK = 0
    FAILED = 1
    NOTHING_TO_DO = 2
    CANCEL = 3  # the server keeps running


class Refusal(IntEnum):
    """Completion codes of the link's commands."""

    UNKNOWN_INCIDENT = 0x80
    TOO_LATE = 0x81
    LINK_OFF = 0x82
    OTHER_NODE = 0x83
    NOT_STARTED = 0x84


# What is done when several faults ask for different things: the strongest of them.
STRENGTH = (Action.DIAGNOSTIC_INTERRUPT, Action.HARD_RESET, Action.POWER_CYCLE, Action.POWER_DOWN)


class Order(NamedTuple):
    """What is to be done to the chassis."""

    action: Action
    cause: RestartCause


class Step(NamedTuple):
    """An entry of the link's own record."""

    at: Instant
    incident: int
    text: str

    def shown(self) -> dict[str, Any]:
        return {"at_s": self.at / 1000, "incident": self.incident, "text": self.text}


@dataclass(slots=True)
class Incident:
    """A fault that was notified. `number` is that of its trap."""

    number: int
    record_id: int
    sensor: int
    offset: int
    severity: int
    order: Order
    state: State = State.DETECTED
    result: Result | None = None


@dataclass(slots=True)
class Link:
    """One controller's link. `due` is when the present wait ends, `ceiling` when every wait does."""

    flags: Flags = Flags.ACTS_ON_TIMEOUT
    start_s: float = 10.0  # T1: from the notice to the start of recovery
    end_s: float = 120.0  # T2: from the start to the end
    ceiling_s: float = 300.0
    state: State = State.IDLE
    current: list[Incident] = field(default_factory=list)  # not yet acted on, the first of them first
    known: OrderedDict[int, Incident] = field(default_factory=OrderedDict)
    steps: list[Step] = field(default_factory=list)
    due: Instant | None = None
    ceiling: Instant | None = None
    node: bytes | None = None  # who holds

    @property
    def on(self) -> bool:
        return bool(self.flags & Flags.ON)

    def detect(self, incident: Incident, now: Instant) -> None:
        """Step 1 and 2: a fault was logged and its notice leaves now. Several faults have one outcome."""
        self.known[incident.number] = incident
        while len(self.known) > MOST_INCIDENTS:
            self.known.popitem(last=False)
        self.current.append(incident)
        self._note(now, incident.number, f"fault notified, {incident.order.action.name.lower()} held")
        if self.state is State.IDLE:
            self.state = State.DETECTED if self.flags & Flags.NEEDS_ACKNOWLEDGE else State.NOTIFIED
            self.ceiling = after(now, self.ceiling_s)
            self._wait(now, self.start_s)
        incident.state = self.state

    def acknowledged(self, number: int, now: Instant) -> None:
        """Step 3: a receiver has the notice."""
        incident = self.known.get(number)
        if incident is None:
            return
        self._note(now, number, "notice acknowledged")
        if incident in self.current and self.state is State.DETECTED:
            self._enter(State.NOTIFIED)
            self._wait(now, self.start_s)

    def start(self, number: int, node: bytes, want_s: float, now: Instant) -> Refusal | tuple[State, int]:
        """Step 4. The state, and how many seconds are granted."""
        incident = self.known.get(number)
        if not self.on:
            return Refusal.LINK_OFF
        if incident is None:
            return Refusal.UNKNOWN_INCIDENT
        if incident not in self.current:
            return Refusal.TOO_LATE
        if self.node is not None and self.node != node:
            return Refusal.OTHER_NODE
        if self.state is not State.HELD:
            self._note(now, number, f"recovery started by {_shown(node)}")
        self.node = node
        self._enter(State.HELD)
        self._wait(now, want_s or self.end_s)
        return self.state, round(self.left_s(now))

    def end(self, number: int, result: Result, now: Instant) -> Refusal | tuple[State, Order | None]:
        """Step 6. The state, and what is to be done now."""
        incident = self.known.get(number)
        if incident is None:
            return Refusal.UNKNOWN_INCIDENT
        if incident not in self.current:
            # Told again: the same answer, and nothing is done twice.
            return (State.RELEASED, None) if incident.result is result else Refusal.TOO_LATE
        if self.state is not State.HELD:
            return Refusal.NOT_STARTED
        self._note(now, number, f"recovery ended: {result.name.lower()}")
        for each in self.current:
            each.result = result
        return State.RELEASED, self._release(now, cancelled=result is Result.CANCEL)

    def postpone(self, seconds: int | None, now: Instant) -> Order | None:
        """Arm PEF Postpone Timer: so many seconds, None without end (up to the ceiling), 0 to go on now."""
        if not self.current:
            return None
        number = self.current[0].number
        if seconds == 0:
            self._note(now, number, "postpone timer set to zero")
            return self._release(now, cancelled=False)
        if self.state is not State.HELD:
            self._note(now, number, "postpone timer armed")
        self._enter(State.HELD)
        self._wait(now, self.ceiling_s if seconds is None else seconds)
        return None

    def left_s(self, now: Instant) -> float:
        """How long the present wait still lasts."""
        return 0.0 if self.due is None else max(0, self.due - now) / 1000

    def advance(self, now: Instant) -> Order | None:
        """What is to be done because nobody came in time."""
        if self.due is None or self.due > now:
            return None
        waited = "end" if self.state is State.HELD else "start"
        self._note(now, self.current[0].number, f"no recovery {waited} in time")
        return self._release(now, cancelled=not self.flags & Flags.ACTS_ON_TIMEOUT)

    def forget(self, now: Instant) -> None:
        """The controller restarts: whatever was held is lost, and nothing is done."""
        if self.current:
            self._note(now, self.current[0].number, "hold lost by a restart of the controller, no action")
        self._clear()

    def supersede(self, now: Instant) -> None:
        """The server was reset or switched off by other means: nothing is left to hold."""
        if self.current:
            self._note(now, self.current[0].number, "superseded by a power command")
        self._clear()

    def snapshot(self, now: Instant) -> dict[str, Any]:
        return {
            "on": self.on,
            "state": self.state.name.lower(),
            "incident": self.current[0].number if self.current else None,
            "node": self.node.decode("utf-8", "replace") if self.node else None,
            "left_s": round(self.left_s(now), 1) if self.due is not None else None,
            "steps": [step.shown() for step in self.steps[-SHOWN_STEPS:]],
        }

    def _wait(self, now: Instant, seconds: float) -> None:
        self.due = soonest(after(now, seconds), self.ceiling)

    def _enter(self, state: State) -> None:
        self.state = state
        for incident in self.current:
            incident.state = state

    def _release(self, now: Instant, *, cancelled: bool) -> Order | None:
        self._enter(State.RELEASED)
        number = self.current[0].number
        order = max((incident.order for incident in self.current), key=lambda order: STRENGTH.index(order.action))
        self._note(now, number, "action cancelled" if cancelled else f"{order.action.name.lower()} released")
        self._clear()
        return None if cancelled else order

    def _clear(self) -> None:
        for incident in self.current:
            incident.state = State.IDLE
        self.current.clear()
        self.state, self.due, self.ceiling, self.node = State.IDLE, None, None, None

    def _note(self, now: Instant, number: int, text: str) -> None:
        self.steps.append(Step(now, number, text))
        del self.steps[:-MOST_STEPS]


def _shown(node: bytes) -> str:
    return node.decode("utf-8", "replace") or "somebody"
