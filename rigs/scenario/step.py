"""One line of a timeline: an action, which is a row of ACTIONS, or an expectation.

A new action is a field of Step where it needs a key of its own, and a row of ACTIONS below.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ridethrough.rigs.rigfile.yaml import in_short
from ridethrough.rigs.scenario.seen import SeenAnswer, fits_all, matches

Time = Annotated[float, Field(ge=0)]

Expectation = Literal[
    "event", "no event", "state", "steady", "command", "no command", "order", "no order", "note", "no note", "sequence"
]
TIMES = ("at", "within", "between", "by")
COMMON = (*TIMES, "expect", "section")
SILENCE = "silence"  # the `answer` of a probe that is to hear nothing
SHOWN = ("state", "steady")  # every key that is not common to all expectations is one of the device
IN_ORDER = ("event", "command", "order", "note", "state")  # what a sequence may have as parts


class ExpectationKeys(NamedTuple):
    """Keys that an expectation must have, and those that it may have, beside its time."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


_KEYS: dict[str, ExpectationKeys] = {
    "event": ExpectationKeys(("type",), ("subject", "where")),
    "command": ExpectationKeys(("device",), ("command", "params", "state")),
    "order": ExpectationKeys(("device",), ("input", "args")),
    "note": ExpectationKeys(("mark",), ("controller", "subject", "text")),
}
KEYS: dict[str, ExpectationKeys] = {
    **_KEYS,
    **{f"no {kind}": keys for kind, keys in _KEYS.items()},
    **dict.fromkeys(SHOWN, ExpectationKeys(("device",))),
    "sequence": ExpectationKeys(("of",)),
}
DESCRIPTION = """One line of a timeline. Exactly one of {kinds} and `expect` says what it is.

`do` has the words of `ridethrough inject`, for devices and for controllers. An expectation that has several lines
of the same kind in view holds when one of them fits, one that begins with `no` when none does. One that every run
would meet is refused, and so is a key that its kind does not look at."""


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
    """Expected answer of a probe: a value, a list of values, {contains: TEXT}, or `silence`."""
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

    @field_validator("answer")
    @classmethod
    def _asks_for_something(cls, wanted: Any) -> Any:
        if problem := fits_all(wanted):
            raise ValueError(f"{problem}; ask for what has to be there")
        return wanted

    @field_validator("device", "type", "command", "input", "controller", "mark", "text")
    @classmethod
    def _not_empty(cls, text: str | None) -> str | None:
        if text == "":
            raise ValueError("an empty text fits everything or nothing; leave the key out, or say what is wanted")
        return text

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if sum(getattr(self, key) is not None for key in ("at", "between", "by")) != 1:
            raise ValueError("a step has exactly one of at, between and by")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between goes from the earlier to the later mark")
        acts = [key for key in ACTIONS if getattr(self, key) is not None]
        if self.expect is None:
            self._validate_action(acts)
        elif any(not ACTIONS[key].also_expected for key in acts):
            raise ValueError("a step either does something or expects something")
        else:
            self._validate_expectation(self.expect)
        return self

    @property
    def _given(self) -> set[str]:
        """Keys that the line has."""
        return self.model_fields_set | set(self.model_extra or {})

    def _validate_action(self, acts: list[str]) -> None:
        if len(acts) != 1:
            *others, last = ACTIONS
            raise ValueError(f"a step without expect has exactly one of {', '.join(others)} and {last}")
        if self.at is None:
            raise ValueError("an action happens at a time: give at")
        row = self.action
        self._refuse_unknown(("at", "section", acts[0], *row.keys), also=row.takes_other_keys)
        if problem := row.validate(self):
            raise ValueError(problem)

    def _validate_expectation(self, kind: Expectation) -> None:
        needed, optional = KEYS[kind]
        for key in needed:
            if not getattr(self, key):
                raise ValueError(f"an expectation of kind {kind!r} needs {key}")
        if self.within is not None and self.at is None:
            raise ValueError("within is a tolerance round at")
        self._refuse_unknown((*COMMON, *needed, *optional), also=kind in SHOWN)
        first, last = self.window
        if self.lasts and first >= last:
            raise ValueError(f"{kind!r} over a window of no length proves nothing: give between, by or within")
        if kind in SHOWN and not self.wanted:
            raise ValueError("an expected state needs at least one key of the device, such as output: off")
        if kind in SHOWN:
            asked = self.wanted
        else:
            asked = {key: getattr(self, key) for key in ("where", "params") if key in self._given}
        if asked and (problem := fits_all(asked)):
            raise ValueError(f"{problem}; ask for what has to be there")
        if kind == "sequence":
            self._validate_parts()

    def _refuse_unknown(self, known: Iterable[str], *, also: bool) -> None:
        """Refuse keys that nothing looks at; `also` when keys that Step does not know have a meaning."""
        others = set() if also else set(self.model_extra or {})
        if self.expect not in SHOWN:
            others |= self._given - set(self.model_extra or {})
        if unknown := sorted(others - set(known)):
            raise ValueError(f"unknown key {', '.join(unknown)}; accepted: {', '.join(dict.fromkeys(known))}")

    def _validate_parts(self) -> None:
        if len(self.of) < 2:
            raise ValueError("of: a sequence has two parts or more, or there is no order to see")
        for number, raw in enumerate(self.of, start=1):
            if timed := [key for key in TIMES if key in raw]:
                raise ValueError(f"of: part {number} has a time of its own, {timed[0]}; the whole has the window")
            if raw.get("expect") not in IN_ORDER:
                raise ValueError(f"of: part {number} expects {raw.get('expect')!r}; accepted: {', '.join(IN_ORDER)}")
            try:
                Step.model_validate({"between": self.window, **raw})
            except ValidationError as error:
                raise ValueError(f"of: part {number}: {in_short(error)}") from error

    @property
    def lasts(self) -> bool:
        """True where the whole window counts: what is steady, and what must not be seen."""
        return self.expect == "steady" or (self.expect or "").startswith("no ")

    @property
    def wanted(self) -> dict[str, Any]:
        """The keys of a device that an expected state has, and their values."""
        others = {key: getattr(self, key) for key in self._given - set(self.model_extra or {}) - {*COMMON, "device"}}
        return others | dict(self.model_extra or {})

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
        if self.expect in SHOWN:
            return f"{self.expect} {self.device} {_pairs(self.wanted)}"
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
    keys: tuple[str, ...] = ()
    """Keys of Step that the action looks at, beside its own."""
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


def _validate_probe(step: Step) -> str:
    """A probe says what it is to hear; whoever leaves it out, or writes null, may mean anything."""
    if step.answer is None and not step.refused:
        return f"a probe needs its answer; `answer: {SILENCE}` where nothing is to be heard"
    return "" if step.answer is None or not step.refused else "a probe that is to be refused has no answer"


def _judge_answer(step: Step, answer: SeenAnswer | None) -> tuple[bool, str] | None:
    """Compares the answer with the step's `answer`."""
    if answer is None or answer.refused or step.refused:
        return _judge_refusal(step, answer if answer is None or answer.refused else None) or (False, "was never asked")
    if step.answer == SILENCE:
        return answer.answer is None, f"answered {answer.answer!r}"
    return matches(step.answer, answer.answer), f"answered {answer.answer!r}"


ACTIONS: dict[str, StepAction] = {
    "do": StepAction(_validate_do, lambda step: step.do or "", _perform_do, _judge_refusal, ("refused",)),
    "command": StepAction(
        _validate_command,
        lambda step: f"command {step.device} {step.command}",
        _perform_command,
        _judge_refusal,
        ("device", "params", "refused"),
        also_expected=True,
    ),
    "probe": StepAction(
        _validate_probe,
        lambda step: f"{step.probe} {_pairs({**(step.model_extra or {}), **step.where})}".strip(),
        _perform_probe,
        _judge_answer,
        ("device", "controller", "answer", "refused"),
        answers=True,
        takes_other_keys=True,
    ),
}
