"""The rig of a test, by the marker `ridethrough` and the ini file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MARKER = "ridethrough"
START = "2026-01-01T00:00:00+00:00"
USAGE = (
    "ridethrough(rig=RIG, speed=1, patch={...}, start=TIME): the rig of a test, by its file (from the test's folder) "
    "or its name, how much faster than the wall clock it runs (time jumps unless given), what is laid over it, and "
    "the time of day at which it begins where time jumps"
)
TRANSCRIPT = pytest.StashKey[Callable[[], str]]()


class Wanted(NamedTuple):
    """The rig that a test's markers ask for."""

    rig: Path
    speed: float | str
    patch: dict[str, Any]
    start: str


def wanted(item: pytest.Item) -> Wanted:
    """Return the rig that the markers of a test ask for, the nearest first. Raises UsageError."""
    keys: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args or set(marker.kwargs) - {"rig", "speed", "patch", "start"}:
            raise pytest.UsageError(USAGE)
        keys = {**marker.kwargs, **keys}
    speed = keys.get("speed", "max")
    if speed != "max" and not (isinstance(speed, int | float) and speed > 0):
        raise pytest.UsageError(f"speed={speed!r}: expected 'max' or a number above 0")
    start, patch = keys.get("start", START), keys.get("patch", {})
    if not isinstance(patch, dict):
        raise pytest.UsageError(f"patch={patch!r}: expected a mapping that is laid over the rig file")
    if not _is_time(start):
        raise pytest.UsageError(f"start={start!r}: expected a time such as {START!r}")
    if "rig" in keys:
        rig = _rig_file(keys["rig"], item.path.parent)
    else:
        folder = item.config.inipath.parent if item.config.inipath else item.config.rootpath
        rig = _rig_file(item.config.getini("ridethrough_rig"), folder)
    return Wanted(rig, speed, patch, start)


def _is_time(text: Any) -> bool:
    try:
        datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return True


def _rig_file(text: str, base: Path) -> Path:
    """The rig file of that path, or of that name among those that come with Ridethrough. Raises UsageError."""
    from ridethrough.rigs.rigfile.bundled import resolve
    from ridethrough.rigs.rigfile.yaml import FileError

    try:
        return resolve(str(text), "rig", base=base)
    except FileError as error:
        raise pytest.UsageError(f"{error} (paths count from {base})\n{USAGE}") from None
