"""The recovery link's hold on the chassis: what a fault does to the server waits until a cluster has recovered from it.

The states, timeouts and rules are of our reading; only the order of the six steps is documented. Both mappings,
standard commands and commands of the maker's own, end here.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.chassis import ChassisControl, RestartCause
from ridethrough.emulators.kernel.instant import Instant, after, soonest

MAX_INCIDENTS = 32
MAX_HEARTBEATS = 16
MAX_STEPS, SHOWN_STEPS = 256, 12


class HoldState(IntEnum):
    """The steps of an incident."""

    IDLE = 0
    DETECTED = 1
    NOTIFIED = 2
    HELD = 3
    RELEASED = 4
    ACTING = 5


class HoldFlags(IntFlag):
    """Settings of the link."""

    ON = 1
    NEEDS_ACKNOWLEDGE = 2  # a notice counts as received only when it is acknowledged
    ACTS_ON_TIMEOUT = 4


class RecoveryResult(IntEnum):
    """The end of a recovery, as its cluster reports it."""

    OK = 0
    FAILED = 1
    NOTHING_TO_DO = 2
    CANCEL = 3  # the server keeps running


class HoldRefusal(IntEnum):
    """Completion codes of the link's commands."""

    UNKNOWN_INCIDENT = 0x80
    TOO_LATE = 0x81
    LINK_OFF = 0x82
    OTHER_NODE = 0x83
    NOT_STARTED = 0x84


class HoldSettings(NamedTuple):
    """Settings of the link in a new controller; times in seconds."""

    on: bool = False
    start_s: float = 10.0
    end_s: float = 120.0
    ceiling_s: float = 300.0


# What is done when several faults ask for different things: the strongest of them.
STRENGTH = (
    ChassisControl.DIAGNOSTIC_INTERRUPT,
    ChassisControl.HARD_RESET,
    ChassisControl.POWER_CYCLE,
    ChassisControl.POWER_DOWN,
)


class ChassisAction(NamedTuple):
    """An action on the chassis, and the restart cause that it leaves."""

    action: ChassisControl
    cause: RestartCause


class HoldStep(NamedTuple):
    """An entry of the link's own record."""

    at: Instant
    incident: int
    text: str

    def shown(self) -> dict[str, Any]:
        """The entry as JSON, time in seconds."""
        return {"at_s": self.at / 1000, "incident": self.incident, "text": self.text}


@dataclass(slots=True)
class Incident:
    """A fault that was notified. `number` is that of its trap."""

    number: int
    record_id: int
    sensor: int
    offset: int
    severity: int
    wanted: ChassisAction
    state: HoldState = HoldState.DETECTED
    result: RecoveryResult | None = None


@dataclass(slots=True)
class RecoveryHold:
    """The hold of one controller. `due` is when the present wait ends, `ceiling` when every wait does."""

    flags: HoldFlags = HoldFlags.ACTS_ON_TIMEOUT
    start_s: float = 10.0  # T1: from the notice to the start of recovery
    end_s: float = 120.0  # T2: from the start to the end
    ceiling_s: float = 300.0
    state: HoldState = HoldState.IDLE
    current: list[Incident] = field(default_factory=list)  # not yet acted on, the first of them first
    known: OrderedDict[int, Incident] = field(default_factory=OrderedDict)
    steps: list[HoldStep] = field(default_factory=list)
    due: Instant | None = None
    ceiling: Instant | None = None
    node: bytes | None = None  # who holds
    heartbeats: OrderedDict[bytes, Instant] = field(default_factory=OrderedDict)  # by the IPv4 address they came from

    @classmethod
    def new(cls, settings: HoldSettings) -> RecoveryHold:
        """The hold of a new controller, which acts when nobody comes in time."""
        flags = HoldFlags.ACTS_ON_TIMEOUT | (HoldFlags.ON if settings.on else 0)
        return cls(flags, settings.start_s, settings.end_s, settings.ceiling_s)

    @property
    def on(self) -> bool:
        """True while faults are held."""
        return bool(self.flags & HoldFlags.ON)

    def detect(self, incident: Incident, now: Instant) -> None:
        """Step 1 and 2: a fault was logged and its notice leaves now. Several faults have one outcome."""
        self.known[incident.number] = incident
        while len(self.known) > MAX_INCIDENTS:
            self.known.popitem(last=False)
        self.current.append(incident)
        self._note(now, incident.number, f"fault notified, {incident.wanted.action.name.lower()} held")
        if self.state is HoldState.IDLE:
            self.state = HoldState.DETECTED if self.flags & HoldFlags.NEEDS_ACKNOWLEDGE else HoldState.NOTIFIED
            self.ceiling = after(now, self.ceiling_s)
            self._wait(now, self.start_s)
        incident.state = self.state

    def acknowledged(self, number: int, now: Instant) -> None:
        """Step 3: a receiver has the notice."""
        incident = self.known.get(number)
        if incident is None:
            return
        self._note(now, number, "notice acknowledged")
        if incident in self.current and self.state is HoldState.DETECTED:
            self._enter(HoldState.NOTIFIED)
            self._wait(now, self.start_s)

    def start(self, number: int, node: bytes, want_s: float, now: Instant) -> HoldRefusal | tuple[HoldState, int]:
        """Step 4. The state, and how many seconds are granted."""
        incident = self.known.get(number)
        if not self.on:
            return HoldRefusal.LINK_OFF
        if incident is None:
            return HoldRefusal.UNKNOWN_INCIDENT
        if incident not in self.current:
            return HoldRefusal.TOO_LATE
        if self.node is not None and self.node != node:
            return HoldRefusal.OTHER_NODE
        if self.state is not HoldState.HELD:
            self._note(now, number, f"recovery started by {_shown(node)}")
        self.node = node
        self._enter(HoldState.HELD)
        self._wait(now, want_s or self.end_s)
        return self.state, round(self.left_s(now))

    def end(
        self, number: int, result: RecoveryResult, now: Instant
    ) -> HoldRefusal | tuple[HoldState, ChassisAction | None]:
        """Step 6. The state, and what is to be done now."""
        incident = self.known.get(number)
        if incident is None:
            return HoldRefusal.UNKNOWN_INCIDENT
        if incident not in self.current:
            # Told again: the same answer, and nothing is done twice.
            return (HoldState.RELEASED, None) if incident.result is result else HoldRefusal.TOO_LATE
        if self.state is not HoldState.HELD:
            return HoldRefusal.NOT_STARTED
        self._note(now, number, f"recovery ended: {result.name.lower()}")
        for each in self.current:
            each.result = result
        return HoldState.RELEASED, self._release(now, cancelled=result is RecoveryResult.CANCEL)

    def postpone(self, seconds: int | None, now: Instant) -> ChassisAction | None:
        """Arm PEF Postpone Timer: so many seconds, None without end (up to the ceiling), 0 to go on now."""
        if not self.current:
            return None
        number = self.current[0].number
        if seconds == 0:
            self._note(now, number, "postpone timer set to zero")
            return self._release(now, cancelled=False)
        if self.state is not HoldState.HELD:
            self._note(now, number, "postpone timer armed")
        self._enter(HoldState.HELD)
        self._wait(now, self.ceiling_s if seconds is None else seconds)
        return None

    def record_heartbeat(self, address: bytes, now: Instant) -> int:
        """Note a heartbeat from a node; return the number of nodes that have sent any."""
        self.heartbeats[address] = now
        while len(self.heartbeats) > MAX_HEARTBEATS:
            self.heartbeats.popitem(last=False)
        return len(self.heartbeats)

    def left_s(self, now: Instant) -> float:
        """Seconds that the present wait still lasts."""
        return 0.0 if self.due is None else max(0, self.due - now) / 1000

    def advance(self, now: Instant) -> ChassisAction | None:
        """The action that is due because nobody came in time."""
        if self.due is None or self.due > now:
            return None
        waited = "end" if self.state is HoldState.HELD else "start"
        self._note(now, self.current[0].number, f"no recovery {waited} in time")
        return self._release(now, cancelled=not self.flags & HoldFlags.ACTS_ON_TIMEOUT)

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
        """Return the state of the hold, as JSON."""
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

    def _enter(self, state: HoldState) -> None:
        self.state = state
        for incident in self.current:
            incident.state = state

    def _release(self, now: Instant, *, cancelled: bool) -> ChassisAction | None:
        self._enter(HoldState.RELEASED)
        number = self.current[0].number
        action = max((incident.wanted for incident in self.current), key=lambda each: STRENGTH.index(each.action))
        self._note(now, number, "action cancelled" if cancelled else f"{action.action.name.lower()} released")
        self._clear()
        return None if cancelled else action

    def _clear(self) -> None:
        for incident in self.current:
            incident.state = HoldState.IDLE
        self.current.clear()
        self.state, self.due, self.ceiling, self.node = HoldState.IDLE, None, None, None

    def _note(self, now: Instant, number: int, text: str) -> None:
        self.steps.append(HoldStep(now, number, text))
        del self.steps[:-MAX_STEPS]


def _shown(node: bytes) -> str:
    return node.decode("utf-8", "replace") or "somebody"
