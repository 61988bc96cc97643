"""The scenario language: what happens, and what must be seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ridethrough.rigs.rigfile.bundled import Kind, place
from ridethrough.rigs.rigfile.variables import substituted
from ridethrough.rigs.rigfile.yaml import FileError, line_of, load, merged, read_yaml

Time = Annotated[float, Field(ge=0)]
SETTLE_S = 1.0  # how long a run goes on after its last mark

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


class Step(BaseModel):
    """One line of a timeline. Exactly one of `do`, `command`, `probe` and `expect` says what it is.

    `do` has the words of `ridethrough inject`, for devices and for controllers. An expectation that has several lines
    of the same kind in view holds when one of them fits, one that begins with `no` when none does.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

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
    """What a probe must hear: a value, a list of values, or {contains: TEXT}."""
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
    """Where the documents say so."""

    @model_validator(mode="after")
    def _shape(self) -> Self:
        times = [self.at is not None, self.between is not None, self.by is not None]
        if sum(times) != 1:
            raise ValueError("a step has exactly one of at, between and by")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between goes from the earlier to the later mark")
        if self.expect is None:
            self._action()
        elif self.do is not None or self.probe is not None:
            raise ValueError("a step either does something or expects something")
        else:
            for key in NEEDED[self.expect]:
                if not getattr(self, key):
                    raise ValueError(f"an expectation of kind {self.expect!r} needs {key}")
        if self.expect in ("state", "steady") and not self.model_extra:
            raise ValueError("an expected state needs at least one key of the device, such as output: off")
        if self.model_extra and self.expect not in ("state", "steady", "command") and self.probe is None:
            raise ValueError(f"unknown key {', '.join(self.model_extra)}")
        return self

    def _action(self) -> None:
        if sum(item is not None for item in (self.do, self.command, self.probe)) != 1:
            raise ValueError("a step without expect has exactly one of do, command and probe")
        if self.at is None:
            raise ValueError("an action happens at a time: give at")
        if self.command is not None and self.device is None:
            raise ValueError("a command needs its device")
        if self.do is not None and len(self.do.split()) < 2:
            raise ValueError("do has a place and an input, such as city off")

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
        extra = {**(self.model_extra or {}), **self.where}
        about = " ".join(f"{key}={value}" for key, value in extra.items())
        if self.probe is not None:
            return f"{self.probe} {about}".strip()
        if self.expect is None:
            return f"command {self.device} {self.command}"
        if self.expect == "sequence":
            return f"sequence of {len(self.of)}: " + ", then ".join(" ".join(map(str, i.values())) for i in self.of)
        what = self.type or self.command or self.input or self.mark or ""
        who = self.subject or self.device or self.controller or ""
        return " ".join(part for part in (self.expect, what, who, *(self.args or ()), about) if part)


def _with_written_keys(schema: dict[str, Any]) -> None:
    """The schema is of what is written: `vars` and `include` are resolved before a document becomes a Scenario."""
    part = {"file": {"type": "string"}, "at": {"type": "number"}, "vars": {"type": "object"}}
    included = {"type": "object", "properties": part, "required": ["file"], "additionalProperties": False}
    schema["properties"]["vars"] = {
        "type": "object",
        "description": "`${name}` stands for a value of these, anywhere in the file and in what it includes.",
    }
    schema["properties"]["include"] = {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, included]},
        "description": "Files whose timelines are brought in, each with an offset and values of its variables.",
    }


class Scenario(BaseModel):
    """A rig and a timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_with_written_keys)

    scenario: str = Field(min_length=1)
    title: str = ""
    rig: Path
    patch: dict[str, Any] = Field(default_factory=dict)
    """What this scenario changes in the rig; null takes a key away."""
    lead_s: Time = 0
    """How long the rig has run when the timeline begins."""
    until: Time | None = None
    """When the run ends; otherwise a second after its last mark."""
    start: str = "2026-01-01T00:00:00+00:00"
    """Time of day at which the timeline begins, where time is virtual."""
    faces: bool = False
    """Whether the cards' pages and consoles are wanted where time jumps."""
    timeline: tuple[Step, ...] = Field(min_length=1)

    @property
    def end_s(self) -> float:
        return self.until or max(step.window[1] for step in self.timeline) + SETTLE_S


def load_scenario(path: Path) -> Scenario:
    """Read a scenario; paths in it count from its folder, and rigs and scenarios that come along have names there, too.

    Raises FileError.

    `include` brings in timelines of other files, each with an offset; `${name}` stands for a value of `vars`.
    """
    scenario = load(path, Scenario, _prepare)
    return scenario.model_copy(update={"rig": _found(path, ["rig"], str(scenario.rig), "rig").resolve()})


def _found(path: Path, keys: list[str], text: str, kind: Kind) -> Path:
    """A file that is named at `keys` of the scenario at `path`."""
    try:
        return place(text, kind, base=path.parent)
    except FileError as error:
        line = line_of(read_yaml(path), keys)
        raise FileError([f"{path}:{line}: {'.'.join(keys)}: {error}"]) from error


def _prepare(path: Path, document: Any) -> None:
    variables = dict(document.pop("vars", None) or {})
    steps = list(document.get("timeline") or ())
    for number, item in enumerate(document.pop("include", None) or ()):
        file, at, own = (item, 0, {}) if isinstance(item, str) else _included(path, item)
        included = read_yaml(_found(path, ["include", str(number)], file, "scenario"))
        values = merged(dict(included.get("vars") or {}), {**variables, **own})
        steps += [_later(substituted(step, values, path), at) for step in included.get("timeline") or ()]
    for key in [key for key in document if key != "timeline"]:
        document[key] = substituted(document[key], variables, path)
    if steps:
        document["timeline"] = [substituted(step, variables, path) for step in steps]


def _included(path: Path, item: Any) -> tuple[str, float, dict[str, Any]]:
    if not isinstance(item, Mapping) or "file" not in item:
        raise FileError([f"{path}: include: expected a file name, or {{file, at, vars}}"])
    return str(item["file"]), float(item.get("at", 0)), dict(item.get("vars") or {})


def _later(step: Any, offset: float) -> Any:
    """A step, moved by the offset of its file."""
    moved = dict(step)
    for key in ("at", "by"):
        if moved.get(key) is not None:
            moved[key] = float(moved[key]) + offset
    if moved.get("between") is not None:
        moved["between"] = [float(mark) + offset for mark in moved["between"]]
    return moved
