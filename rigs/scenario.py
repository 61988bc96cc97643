"""The scenario language: what happens, and what must be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rigs.files import load

Time = Annotated[float, Field(ge=0)]
SETTLE_S = 1.0  # how long a run goes on after its last mark


class Step(BaseModel):
    """One line of a timeline. Exactly one of `do`, `command` without `expect`, and `expect` says what it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    at: Time | None = None
    """Seconds from the start; for an expectation together with `within`."""
    within: Time | None = None
    """Tolerance round `at`."""
    between: tuple[Time, Time] | None = None
    by: Time | None = None
    do: str | None = None
    """`PLACE INPUT [ARGS]`, the words of `standin inject`."""
    expect: Literal["event", "no event", "state", "command"] | None = None
    type: str | None = None
    subject: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    """Fields of the event's data and their values."""
    device: str | None = None
    command: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shape(self) -> Self:
        times = [self.at is not None, self.between is not None, self.by is not None]
        if sum(times) != 1:
            raise ValueError("a step has exactly one of at, between and by")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between goes from the earlier to the later mark")
        if self.expect is None:
            self._action()
        elif self.do is not None:
            raise ValueError("a step either does something or expects something")
        elif self.expect in ("event", "no event") and self.type is None:
            raise ValueError("an expected event needs its type")
        elif self.expect in ("state", "command") and self.device is None:
            raise ValueError(f"an expected {self.expect} needs its device")
        elif self.expect == "state" and not self.model_extra:
            raise ValueError("an expected state needs at least one key of the device, such as output: off")
        if self.model_extra and self.expect not in ("state", "command"):
            raise ValueError(f"unknown key {', '.join(self.model_extra)}")
        return self

    def _action(self) -> None:
        if (self.do is None) == (self.command is None):
            raise ValueError("a step without expect has either do or command")
        if self.at is None:
            raise ValueError("an action happens at a time: give at")
        if self.command is not None and self.device is None:
            raise ValueError("a command needs its device")

    @property
    def window(self) -> tuple[float, float]:
        """Earliest and latest second of an expectation."""
        if self.between is not None:
            return self.between
        if self.by is not None:
            return 0.0, self.by
        at = self.at or 0.0
        return at - (self.within or 0.0), at + (self.within or 0.0)

    @property
    def words(self) -> str:
        """The step as a person reads it."""
        if self.do is not None:
            return self.do
        if self.expect is None:
            return f"command {self.device} {self.command}"
        extra = {**(self.model_extra or {}), **self.where}
        about = " ".join(f"{key}={value}" for key, value in extra.items())
        subject = self.subject or self.device or ""
        return " ".join(part for part in (self.expect, self.type or self.command or "", subject, about) if part)


class Scenario(BaseModel):
    """A rig and a timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: str = Field(min_length=1)
    rig: Path
    until: Time | None = None
    """When the run ends; otherwise a second after its last mark."""
    timeline: tuple[Step, ...] = Field(min_length=1)

    @property
    def end_s(self) -> float:
        return self.until or max(step.window[1] for step in self.timeline) + SETTLE_S


def load_scenario(path: Path) -> Scenario:
    """Read a scenario; its rig path counts from the scenario's folder. Raises FileError."""
    scenario = load(path, Scenario)
    return scenario.model_copy(update={"rig": (path.parent / scenario.rig).resolve()})


class SeenEvent(NamedTuple):
    at_s: float
    id: str
    type: str
    subject: str
    data: dict[str, Any]


class SeenState(NamedTuple):
    """What a device showed from `at_s` on."""

    at_s: float
    device: str
    state: dict[str, Any]


class SeenCommand(NamedTuple):
    at_s: float
    device: str
    command: str
    state: str
    result: str


class Seen(NamedTuple):
    """Everything a run showed, in order."""

    events: list[SeenEvent]
    states: list[SeenState]
    commands: list[SeenCommand]


class Verdict(NamedTuple):
    """An expectation, whether it held, and what was seen instead."""

    step: Step
    held: bool
    detail: str


ROUNDING_S = 0.0005  # instants are whole milliseconds


def judge(scenario: Scenario, seen: Seen) -> list[Verdict]:
    """A verdict for each expectation, in the order of the file."""
    judges = {"event": _event, "no event": _no_event, "state": _state, "command": _command}
    return [judges[step.expect](step, seen) for step in scenario.timeline if step.expect is not None]


def _inside(step: Step, at_s: float) -> bool:
    first, last = step.window
    return first - ROUNDING_S <= at_s <= last + ROUNDING_S


def _matching(step: Step, seen: Seen) -> list[SeenEvent]:
    return [
        event
        for event in seen.events
        if event.type == step.type
        and step.subject in (None, event.subject)
        and all(event.data.get(key) == value for key, value in step.where.items())
    ]


def _event(step: Step, seen: Seen) -> Verdict:
    found = _matching(step, seen)
    if hits := [event for event in found if _inside(step, event.at_s)]:
        return Verdict(step, True, f"at {hits[0].at_s:g} s")
    if found:
        return Verdict(step, False, "seen only at " + ", ".join(f"{event.at_s:g} s" for event in found))
    near = [event for event in seen.events if _inside(step, event.at_s)]
    around = ", ".join(f"{event.type} {event.subject} at {event.at_s:g} s" for event in near[:6])
    return Verdict(step, False, f"never seen; in its window: {around or 'nothing'}")


def _no_event(step: Step, seen: Seen) -> Verdict:
    hits = [event for event in _matching(step, seen) if _inside(step, event.at_s)]
    return Verdict(step, not hits, f"seen at {hits[0].at_s:g} s" if hits else "not seen")


def _state(step: Step, seen: Seen) -> Verdict:
    wanted = step.model_extra or {}
    first, last = step.window
    history = [entry for entry in seen.states if entry.device == step.device]
    before = [entry for entry in history if entry.at_s <= first + ROUNDING_S][-1:]
    inside = [entry for entry in history if first + ROUNDING_S < entry.at_s <= last + ROUNDING_S]
    for entry in (*before, *inside):
        if all(entry.state.get(key) == value for key, value in wanted.items()):
            return Verdict(step, True, f"since {entry.at_s:g} s")
    shown = [{key: entry.state.get(key) for key in wanted} | {"since_s": entry.at_s} for entry in (*before, *inside)]
    return Verdict(step, False, f"showed {shown or 'nothing: there is no such device'}")


def _command(step: Step, seen: Seen) -> Verdict:
    wanted = (step.model_extra or {}).get("state")
    found = [item for item in seen.commands if item.device == step.device and step.command in (None, item.command)]
    for item in found:
        if _inside(step, item.at_s) and wanted in (None, item.state):
            return Verdict(step, True, f"{item.state} at {item.at_s:g} s")
    shown = ", ".join(f"{item.command} {item.state} at {item.at_s:g} s ({item.result})" for item in found)
    return Verdict(step, False, f"seen: {shown or 'no command'}")
