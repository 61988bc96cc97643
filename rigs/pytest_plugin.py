"""The pytest plugin: a running rig as a fixture, in time that jumps unless a test wants the wall clock.

Kept light, because pytest loads it in every project of an environment that has Ridethrough; the rig itself is imported
with the first test that wants one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MARKER = "ridethrough"
FIXTURES = frozenset({"rig", "gateway", "clock", "ridethrough_running"})
START = "2026-01-01T00:00:00+00:00"
USAGE = (
    "ridethrough(rig=FILE, speed=1, patch={...}, start=TIME): the rig file of a test (from the test's folder), how "
    "much faster than the wall clock it runs (time jumps unless given), what is laid over the file, and the time of "
    "day at which it begins where time jumps"
)
STORY = pytest.StashKey[Callable[[], str]]()


class Wanted(NamedTuple):
    """What a test's markers ask for."""

    rig: Path
    speed: float | str
    patch: dict[str, Any]
    start: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "ridethrough_rig", "rig file of tests that name none, from the folder of this file", default="rig.yaml"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", USAGE)
    if find_spec("pytest_asyncio") is not None:
        config.pluginmanager.import_plugin("ridethrough.rigs.pytest_fixtures")


def pytest_report_header() -> str | None:
    if find_spec("pytest_asyncio") is None:
        return "ridethrough: its fixtures need pytest-asyncio: pip install 'ridethrough[test]'"
    return None


def wanted(item: pytest.Item) -> Wanted:
    """What the markers of a test say, the nearest first. Raises UsageError."""
    keys: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args or set(marker.kwargs) - {"rig", "speed", "patch", "start"}:
            raise pytest.UsageError(f"{item.nodeid}: {USAGE}")
        keys = {**marker.kwargs, **keys}
    speed = keys.get("speed", "max")
    if speed != "max" and not (isinstance(speed, int | float) and speed > 0):
        raise pytest.UsageError(f"{item.nodeid}: speed={speed!r}: expected 'max' or a number above 0")
    if "rig" in keys:
        rig = item.path.parent / keys["rig"]
    else:
        folder = item.config.inipath.parent if item.config.inipath else item.config.rootpath
        rig = folder / item.config.getini("ridethrough_rig")
    if not rig.is_file():
        raise pytest.UsageError(f"{item.nodeid}: there is no rig file {rig}; name one: {USAGE}")
    return Wanted(rig, speed, keys.get("patch", {}), keys.get("start", START))


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of a test that has a rig runs at the rig's speed; every other test keeps pytest-asyncio's."""
    if FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return {"asyncio": asyncio.new_event_loop}
    from ridethrough.rigs.loops import new_loop

    speed: Any = wanted(item).speed
    return {"ridethrough": lambda: new_loop(speed)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what the rig had seen."""
    report = yield
    story = item.stash.get(STORY, None)
    if report.failed and story is not None:
        report.sections.append(("what the rig saw", story() or "nothing"))
    return report
