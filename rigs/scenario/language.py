"""The scenario language: what happens, and what must be seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator
from ruamel.yaml.comments import CommentedMap

from ridethrough.rigs.rigfile.bundled import Kind, resolve
from ridethrough.rigs.rigfile.variables import substituted
from ridethrough.rigs.rigfile.yaml import FileError, line_of, load, merged, read_yaml
from ridethrough.rigs.scenario.proof import Names, own_doing, unknown_names
from ridethrough.rigs.scenario.step import Step, Time

SETTLE_S = 1.0  # how long a run goes on after its last mark


def _with_written_keys(schema: dict[str, Any]) -> None:
    """Add the keys that are resolved before a document becomes a Scenario: `vars` and `include`."""
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
    """Changes of the rig file; null takes a key away."""
    lead_s: Time = 0
    """Time that the rig has run when the timeline begins."""
    until: Time | None = None
    """End of the run; otherwise a second after its last mark."""
    start: str = "2026-01-01T00:00:00+00:00"
    """Time of day at which the timeline begins, where time is virtual."""
    faces: bool = False
    """Serve the cards' pages and consoles, too, where time jumps."""
    timeline: tuple[Step, ...] = Field(min_length=1)

    _file: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        last = max(step.window[1] for step in self.timeline)
        if self.until is not None and self.until < last:
            raise ValueError(f"until: {self.until:g} s is before the last mark of the timeline, {last:g} s")
        for number, step in enumerate(self.timeline):
            if doing := own_doing(step, self.timeline):
                raise ValueError(f"timeline.{number}: the scenario itself does this: {doing}")
        return self

    @property
    def file(self) -> Path | None:
        """The file that it was read from; None for one that was made elsewhere."""
        return self._file

    def unknown_names(self, names: Names) -> list[str]:
        """Return a line for each expectation that holds because what it names is not there."""
        found = [
            (str(number), key, problem)
            for number, step in enumerate(self.timeline)
            for key, problem in unknown_names(step, names)
        ]
        document = read_yaml(self._file) if found and self._file is not None else None
        return [f"{self._place(document, number, key)}: {problem}" for number, key, problem in found]

    def _place(self, document: CommentedMap | None, number: str, key: str) -> str:
        if document is None:
            return f"{self.scenario}: timeline.{number}.{key}"
        return f"{self._file}:{line_of(document, ['timeline', number, key])}: timeline.{number}.{key}"

    @property
    def end_s(self) -> float:
        """Second at which the run ends."""
        return self.until or max(step.window[1] for step in self.timeline) + SETTLE_S


def load_scenario(path: Path) -> Scenario:
    """Read a scenario; paths in it count from its folder, and rigs and scenarios that come along have names there, too.

    Raises FileError.

    `include` brings in timelines of other files, each with an offset; `${name}` stands for a value of `vars`.
    """
    scenario = load(path, Scenario, _prepare)
    scenario = scenario.model_copy(update={"rig": _found(path, ["rig"], str(scenario.rig), "rig").resolve()})
    scenario._file = path  # noqa: SLF001  # its own module
    return scenario


def _found(path: Path, keys: list[str], text: str, kind: Kind) -> Path:
    """A file that is named at `keys` of the scenario at `path`."""
    try:
        return resolve(text, kind, base=path.parent)
    except FileError as error:
        line = line_of(read_yaml(path), keys)
        raise FileError([f"{path}:{line}: {'.'.join(keys)}: {error}"]) from error


def _prepare(path: Path, document: Any) -> None:
    variables = dict(document.pop("vars", None) or {})
    # Changed in place, so that a mistake is shown with its own line.
    steps = document.get("timeline")
    timeline = steps if isinstance(steps, list) else []
    for key in document:
        document[key] = substituted(document[key], variables, path)
    for number, item in enumerate(document.pop("include", None) or ()):
        file, at, own = (item, 0, {}) if isinstance(item, str) else _included(path, item)
        included = read_yaml(_found(path, ["include", str(number)], file, "scenario"))
        values = merged(dict(included.get("vars") or {}), {**variables, **own})
        timeline += [_later(substituted(step, values, path), at) for step in included.get("timeline") or ()]
    if timeline:
        document["timeline"] = timeline


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
