"""One line of a timeline: an action, which is a row of ACTIONS, or an expectation.

A new action is a field of Step where it needs a key of its own, and a row of ACTIONS below.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ridethrough.rigs.scenario.seen import SeenAnswer, matches

Time = Annotated[float, Field(ge=0)]

Expectation = Literal[
    "event", "no event", "state", "steady", "command", "no command", "order", "no order", "note", "no note", "sequence"
]
# What each expectation must name, beside its time.
NEEDED: dict[str, tuple[str, ...]] = {
    "event": ("type",),
    "no event": ("type",),
    "state": ("device",),
    "steady": ("device",),
    "command": ("device",),
    "no command": ("device",),
    "order": ("device",),
    "no order": ("device",),
    "note": ("mark",),
    "no note": ("mark",),
    "sequence": ("of",),
}
DESCRIPTION = """One line of a timeline. Exactly one of {kinds} and `expect` says what it is.

`do` has the words of `ridethrough inject`, for devices and for controllers. An expectation that has several lines
of the same kind in view holds when one of them fits, one that begins with `no` when none does."""


def _with_actions(schema: dict[str, Any]) -> None:
    """The description of a step in the schema names every action."""
    schema["description"] = DESCRIPTION.format(kinds=", ".join(f"`{key}`" for key in ACTIONS))


class Step(BaseModel):
    """One line of a timeline: either an action or an expectation."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=_with_actions)

    at: Time | None = None
    """Seconds from the start; for an expectation together with `within`."""
    within: Time | None = None
    """Tolerance round `at`."""
    between: tuple[Time, Time] | None = None
    by: Time | None = None
    do: str | None = None
    """`PLACE INPUT [ARGS]`."""
    refused: bool = False
    """The action has to be refused."""
    probe: str | None = None
    """A client's question: see `ridethrough.rigs.scenario.probes`."""
    answer: Any = None
    """Expected answer of a probe: a value, a list of values, or {contains: TEXT}."""
    expect: Expectation | None = None
    type: str | None = None
    subject: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    """Fields of the event's data and their values."""
    device: str | None = None
    command: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    input: str | None = None
    """Of an order to a lab agent, with its arguments in `args`."""
    args: tuple[str, ...] | None = None
    controller: str | None = None
    mark: str | None = None
    text: str | None = None
    """Part of the text of a note."""
    of: tuple[dict[str, Any], ...] = ()
    """Expectations without times that must come true one after the other."""
    section: str = ""
    """Section of the documents that requires this."""

    @model_validator(mode="after")
    def _shape(self) -> Self:
        times = [self.at is not None, self.between is not None, self.by is not None]
        if sum(times) != 1:
            raise ValueError("a step has exactly one of at, between and by")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between goes from the earlier to the later mark")
        acts = [key for key in ACTIONS if getattr(self, key) is not None]
        if self.expect is None:
            self._validate_action(acts)
        elif any(not ACTIONS[key].also_expected for key in acts):
            raise ValueError("a step either does something or expects something")
        else:
            for key in NEEDED[self.expect]:
                if not getattr(self, key):
                    raise ValueError(f"an expectation of kind {self.expect!r} needs {key}")
        if self.expect in ("state", "steady") and not self.model_extra:
            raise ValueError("an expected state needs at least one key of the device, such as output: off")
        if self.model_extra and not self._takes_other_keys:
            raise ValueError(f"unknown key {', '.join(self.model_extra)}")
        return self

    def _validate_action(self, acts: list[str]) -> None:
        if len(acts) != 1:
            *others, last = ACTIONS
            raise ValueError(f"a step without expect has exactly one of {', '.join(others)} and {last}")
        if self.at is None:
            raise ValueError("an action happens at a time: give at")
        if problem := self.action.validate(self):
            raise ValueError(problem)

    @property
    def _takes_other_keys(self) -> bool:
        if self.expect is not None:
            return self.expect in ("state", "steady", "command")
        return self.action.takes_other_keys

    @property
    def action(self) -> StepAction:
        """The row of an action. Raises StopIteration for an expectation."""
        return next(row for key, row in ACTIONS.items() if getattr(self, key) is not None)

    @property
    def window(self) -> tuple[float, float]:
        """Earliest and latest second of an expectation, from the start of the timeline."""
        if self.between is not None:
            return self.between
        if self.by is not None:
            return 0.0, self.by
        at = self.at or 0.0
        return at - (self.within or 0.0), at + (self.within or 0.0)

    @property
    def words(self) -> str:
        """The step as a line of reports."""
        if self.expect is None:
            return self.action.describe(self)
        if self.expect == "sequence":
            return f"sequence of {len(self.of)}: " + ", then ".join(" ".join(map(str, i.values())) for i in self.of)
        about = _pairs({**(self.model_extra or {}), **self.where})
        what = self.type or self.command or self.input or self.mark or ""
        who = self.subject or self.device or self.controller or ""
        return " ".join(part for part in (self.expect, what, who, *(self.args or ()), about) if part)


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in values.items())


class ActionHost(Protocol):
    """A running rig, as actions use it. Each call raises InputError, Refusal or ProbeError when it is refused."""

    async def do(self, words: str) -> None:
        """Give `PLACE INPUT [ARGS]` to a device or a controller."""

    async def command(self, device: str, command: str, params: dict[str, Any]) -> None:
        """Submit a command of the gateway."""

    async def ask(self, probe: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer of a probe of `ridethrough.rigs.scenario.probes`."""


class StepAction(NamedTuple):
    """A kind of action: everything that the language, a run and its verdicts do with it."""

    validate: Callable[[Step], str]
    """Returns what is wrong with the step, or an empty text."""
    describe: Callable[[Step], str]
    """Returns the step as a line of reports."""
    perform: Callable[[Step, ActionHost], Awaitable[Any]]
    """Acts; returns the answer, where the action `answers`."""
    judge: Callable[[Step, SeenAnswer | None], tuple[bool, str] | None]
    """Returns whether the step held and why; None where there is nothing to report."""
    answers: bool = False
    """`perform` returns something that `judge` compares with `answer`."""
    takes_other_keys: bool = False
    """Keys that Step does not know are arguments of the action."""
    also_expected: bool = False
    """The key is one of expectations, too."""


def _validate_do(step: Step) -> str:
    return "" if len((step.do or "").split()) >= 2 else "do has a place and an input, such as city off"


async def _perform_do(step: Step, host: ActionHost) -> None:
    await host.do(step.do or "")


def _validate_command(step: Step) -> str:
    return "a command needs its device" if step.device is None else ""


async def _perform_command(step: Step, host: ActionHost) -> None:
    await host.command(step.device or "", step.command or "", step.params)


async def _perform_probe(step: Step, host: ActionHost) -> Any:
    named = {"device": step.device, "controller": step.controller}
    arguments = {key: value for key, value in named.items() if value is not None}
    return await host.ask(step.probe or "", {**(step.model_extra or {}), **arguments})


def _judge_refusal(step: Step, answer: SeenAnswer | None) -> tuple[bool, str] | None:
    """Reports an action that was refused, and one that had to be."""
    if answer is not None:
        return step.refused, f"refused: {answer.answer}"
    return (False, "was taken, though it had to be refused") if step.refused else None


def _judge_answer(step: Step, answer: SeenAnswer | None) -> tuple[bool, str] | None:
    """Compares the answer with the step's `answer`."""
    if answer is None or answer.refused:
        return _judge_refusal(step, answer) or (False, "was never asked")
    return matches(step.answer, answer.answer), f"answered {answer.answer!r}"


ACTIONS: dict[str, StepAction] = {
    "do": StepAction(_validate_do, lambda step: step.do or "", _perform_do, _judge_refusal),
    "command": StepAction(
        _validate_command,
        lambda step: f"command {step.device} {step.command}",
        _perform_command,
        _judge_refusal,
        also_expected=True,
    ),
    "probe": StepAction(
        lambda _step: "",
        lambda step: f"{step.probe} {_pairs({**(step.model_extra or {}), **step.where})}".strip(),
        _perform_probe,
        _judge_answer,
        answers=True,
        takes_other_keys=True,
    ),
}
