"""The user's own expectations, read from a file: they hold in every run, whatever happens in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ridethrough.rigs.explore.carry_out import Expectations, timed
from ridethrough.rigs.rigfile.yaml import FileError, in_short, line_of, read_yaml
from ridethrough.rigs.scenario.step import Step

SAMPLE_S = 1000.0


def load_expectations(path: Path) -> Expectations:
    """Read the lines of `timeline` that expect something; those of a whole scenario are taken alike. Raises FileError.

    A line without a time is one of the whole run, and a state without a time one of its end.
    """
    document: Any = read_yaml(path)
    lines = document.get("timeline") if isinstance(document, dict) else document
    if not isinstance(lines, list):
        raise FileError([f"{path}: expected `timeline:` with lines such as {{expect: no command, device: UPS1}}"])
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        if not isinstance(line, dict) or "expect" not in line:
            continue
        try:
            checked(line)
        except ValueError as error:
            keys = ["timeline", str(number)] if isinstance(document, dict) else [str(number)]
            raise FileError([f"{path}:{line_of(document, keys)}: {error}"]) from error
        found.append(dict(line))
    if not found:
        raise FileError([f"{path}: there is no line with `expect`"])
    return tuple(found)


def checked(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line that a run can be judged by. Raises ValueError."""
    try:
        Step.model_validate(timed(line, SAMPLE_S))
    except ValidationError as error:
        raise ValueError(in_short(error)) from error
    return line
