"""explore: search for an outage that a configuration does not survive."""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ridethrough.rigs.cli.common import (
    FAILED,
    INTERRUPTED,
    RIG,
    USAGE,
    JsonOption,
    SpeedOption,
    configure_logging,
    fail,
    print_json,
    user_errors,
    writing,
)

if TYPE_CHECKING:
    from ridethrough.rigs.clock import Speed
    from ridethrough.rigs.explore.attached import Attached
    from ridethrough.rigs.explore.carry_out import Expectations
    from ridethrough.rigs.explore.explorer import Result
    from ridethrough.rigs.explore.pool import RunPool
    from ridethrough.rigs.explore.runner import Setting

FACTOR = 60.0  # of the wall clock, for a program of its own
DEFAULT_S = 60.0
UNIT_S = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def _duration(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h)?", text)
    if found is None or not float(found[1]):
        raise typer.BadParameter("expected a time such as 60s, 30m or 2h")
    return float(found[1]) * UNIT_S[found[2] or ""]


def explore(
    rig: Annotated[
        Any,
        typer.Argument(
            parser=RIG,
            autocompletion=RIG.complete,
            metavar="RIG",
            help="Rig file (YAML), or the name of one of `ridethrough rig list`.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        Any, typer.Option("--for", parser=_duration, metavar="TIME", help="End after 60s, 30m or 2h. [default: 60s]")
    ] = None,
    runs: Annotated[
        int | None, typer.Option("--runs", metavar="N", min=1, help="End after N runs; the same runs every time.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Another seed tries other combinations.")] = 1,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Runs at a time. [default: one for each core]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write what is found there, as scenarios with their report pages."),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")] = None,
    expect: Annotated[
        Path | None, typer.Option("--expect", metavar="FILE", help="Lines with `expect` that hold in every run, too.")
    ] = None,
    controllers: Annotated[
        str | None,
        typer.Option("--controllers", metavar="none|NAMES", help="Stand-ins that run; all of the rig unless given."),
    ] = None,
    controller: Annotated[
        str | None,
        typer.Option(
            "--controller",
            metavar="MODULE:FUNCTION",
            help="Your own, instead of the stand-ins: `async def FUNCTION(url)`, in virtual time.",
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            metavar="COMMAND",
            help="Your own, instead of the stand-ins: a program that finds the gateway by RIDETHROUGH_URL.",
        ),
    ] = None,
    without: Annotated[
        str | None, typer.Option("--without", metavar="NAMES", help="What does not vary, such as gateway,controller.")
    ] = None,
    speed: SpeedOption = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the invariants, and what varies.")] = False,
    json: JsonOption = False,
) -> None:
    """Search for an outage that a rig does not survive, and write the shortest that it finds as a scenario.

    Example: `ridethrough explore 003-a --for 60s --out found`
    """
    configure_logging(logging.WARNING)
    with user_errors():
        if listed:
            _list(json=json)
            return
        if rig is None:
            fail("expected a rig, or --list", USAGE)
        attached = _attached(controller, command)
        if speed == "max" and command is not None:
            fail("--speed max: a program of its own cannot follow a clock that jumps; accepted: a number", USAGE)
        from ridethrough.rigs.cli.explore_display import display_of
        from ridethrough.rigs.explore.explorer import Limits
        from ridethrough.rigs.explore.explorer import explore as search
        from ridethrough.rigs.explore.pool import at_once, pool_of
        from ridethrough.rigs.explore.runner import RunMaker, Setting

        patch = _patch(rig, "none" if attached is not None and controllers is None else controllers)
        pace: Speed = speed if speed is not None else "max" if command is None else FACTOR
        setting = Setting(rig, patch, pace, attached, _expected(expect))
        loaded = RunMaker(setting).rig({})
        jobs = at_once(loaded, jobs or len(os.sched_getaffinity(0)))
        limit_s = DEFAULT_S if seconds is None and runs is None else seconds
        limits = Limits(limit_s, runs, without=_dimensions(without))
        with pool_of(setting, jobs) as pool:
            pool.warm_up()
            with display_of(loaded.rig, limits, quiet=json) as display:
                result = search(loaded, pool, seed, limits, display, jobs)
            options = {
                "--controllers": controllers,
                "--controller": controller,
                "--command": command,
                "--expect": expect,
                "--without": without,
            }
            files = _written(out, setting, result, pool, _words(rig, {**options, "--seed": seed}))
        if junit is not None:
            from ridethrough.rigs.explore.report import junit_of

            _write(junit, junit_of(loaded.rig, result))
    if json:
        from ridethrough.rigs.explore.report import document

        print_json(document(loaded.rig, seed, result, files))
    else:
        display.tell(result, files)
    if result.findings:
        raise typer.Exit(FAILED)
    if not result.finished:
        raise typer.Exit(INTERRUPTED)


def _list(*, json: bool) -> None:
    from ridethrough.rigs.explore.dimensions import DIMENSIONS
    from ridethrough.rigs.explore.invariants import EXEMPTIONS, INVARIANTS

    lists = {
        "invariants": {row.name: row.description for row in INVARIANTS},
        "exemptions": {row.name: f"{row.text} ({row.section})" for row in EXEMPTIONS},
        "dimensions": {row.name: row.description for row in DIMENSIONS},
    }
    if json:
        print_json(lists)
        return
    for title, rows in lists.items():
        typer.echo(f"{title}:")
        for name, description in rows.items():
            typer.echo(f"  {name:<14}{description}")


def _attached(controller: str | None, command: str | None) -> Attached | None:
    from ridethrough.rigs.explore.attached import ByName, Program

    if controller is not None and command is not None:
        fail("--controller and --command are two ways of naming one controller; give one", USAGE)
    if command is not None:
        words = shlex.split(command)
        if not words:
            fail("--command: expected a program", USAGE)
        return Program(tuple(words))
    if controller is None:
        return None
    module, _, function = controller.partition(":")
    if not module or not function:
        fail(f"--controller {controller!r}: expected MODULE:FUNCTION", USAGE)
    named = ByName(module, function)
    named.load()
    return named


def _patch(rig: Path, controllers: str | None) -> dict[str, Any]:
    if controllers is None:
        return {}
    from ridethrough.rigs.rigfile.schema import load_rig

    known = {item.name: item.model_dump(mode="json", exclude_unset=True) for item in load_rig(rig).controllers}
    names = [] if controllers == "none" else controllers.split(",")
    for name in names:
        if name not in known:
            fail(f"--controllers: there is no {name!r} in this rig; accepted: none, {', '.join(known)}", USAGE)
    return {"controllers": [known[name] for name in names]}


def _expected(file: Path | None) -> Expectations:
    if file is None:
        return ()
    from ridethrough.rigs.explore.expectations import load_expectations

    return load_expectations(file)


def _dimensions(names: str | None) -> tuple[str, ...]:
    from ridethrough.rigs.explore.dimensions import DIMENSIONS

    known = [row.name for row in DIMENSIONS]
    wanted = [] if names is None else names.split(",")
    for name in wanted:
        if name not in known:
            fail(f"--without: there is no {name!r}; accepted: {', '.join(known)}", USAGE)
    return tuple(wanted)


def _words(rig: Path, options: Mapping[str, Any]) -> str:
    """The command that finds the same again, apart from its limits."""
    given = [word for key, value in options.items() if value is not None for word in (key, shlex.quote(str(value)))]
    return " ".join(["ridethrough explore", _named(rig), *given])


def _named(rig: Path, base: Path | None = None) -> str:
    """The name of a rig that comes along, or the way to the file."""
    from ridethrough.rigs.rigfile.bundled import FOLDER

    if rig.resolve().parent == FOLDER.resolve():
        return rig.stem
    return os.path.relpath(rig, base or Path())


def _written(out: Path | None, setting: Setting, result: Result, pool: RunPool, command: str) -> list[str]:
    """Write a scenario for each finding, and the report page of its replay; return the scenarios' paths."""
    if out is None:
        return []
    from ridethrough.rigs.explore.invariants import INVARIANTS
    from ridethrough.rigs.explore.scenario_file import FoundBy, name_of, text_of

    described = {row.name: row.description for row in INVARIANTS}
    files: list[str] = []
    for found in result.findings:
        name, kind = name_of(setting.rig.stem, found.violation), found.violation.invariant
        path = out / f"{name}.yaml"
        origin = FoundBy(_named(setting.rig, out), name, command, setting.patch, described.get(kind, ""))
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        _write(path, text_of(found, origin))
        if setting.attached is None:
            _write(path.with_suffix(".html"), pool.page(path))
        files.append(str(path))
    return files


def _write(path: Path, text: str) -> None:
    with writing(path):
        path.write_text(text, encoding="utf-8")
