"""replay: run scenarios and judge them."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.gateway.receive import ListenError
from ridethrough.mibs import MibTree
from ridethrough.rigs.cli.common import (
    FAILED,
    PORTS,
    USAGE,
    FileArgument,
    JsonOption,
    MibOption,
    SpeedOption,
    VerboseOption,
    configure_logging,
    fail,
    ports_choice,
    print_json,
    tree_of,
    user_errors,
)
from ridethrough.rigs.cli.replay_display import ConsoleDisplay, JsonLinesDisplay, ReplayDisplay, verdicts
from ridethrough.rigs.clock import Speed
from ridethrough.rigs.rigfile.ports import PortChoice
from ridethrough.rigs.rigfile.yaml import FileError
from ridethrough.rigs.scenario.html_report import html_of
from ridethrough.rigs.scenario.junit import junit_of
from ridethrough.rigs.scenario.language import Scenario, load_scenario
from ridethrough.rigs.scenario.runner import Report
from ridethrough.rigs.scenario.runner import replay as run_scenario

SCENARIOS = FileArgument("scenario", folders=True)


def replay(
    scenario: Annotated[
        list[Any],
        typer.Argument(
            parser=SCENARIOS,
            autocompletion=SCENARIOS.complete,
            metavar="SCENARIO|DIR...",
            help="Scenario files, folders of them, or names of those that come along, such as C1.",
            show_default=False,
        ),
    ],
    speed: SpeedOption = "max",
    ports: Annotated[
        Any,
        typer.Option(
            "--ports",
            parser=ports_choice,
            metavar="|".join(get_args(PortChoice)),
            help=f"{PORTS} Unless given, `high`, or `free` where those are in use.",
        ),
    ] = None,
    mib_dir: MibOption = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts.")] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep each scenario's journal and device settings.")
    ] = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="Print a JSON document a line, as things happen.")
    ] = False,
) -> None:
    """Run scenarios and say which expectations held.

    Example: `ridethrough replay C1`, `ridethrough replay rigs/scenarios --speed max --junit report.xml`
    """
    configure_logging(logging.WARNING)
    reports: list[Report] = []
    with user_errors():
        scenarios = [load_scenario(file) for file in _files(scenario)]
        tree = tree_of(mib_dir)
        detailed = verbose or len(scenarios) == 1
        display: ReplayDisplay = (
            JsonLinesDisplay() if json_lines else ConsoleDisplay(len(scenarios), quiet=json, verbose=detailed)
        )
        with display:
            for item in scenarios:
                data = keep / item.scenario if keep is not None else None
                display.begin(item)
                report = _run(item, tree, speed, ports, data, display)
                display.end(report)
                reports.append(report)
        if junit is not None:
            _write(junit, junit_of(reports))
        if html is not None:
            _write(html, html_of(reports))
    if json:
        print_json([_document(report) for report in reports])
    if not all(report.held for report in reports):
        raise typer.Exit(FAILED)


def _run(
    item: Scenario, tree: MibTree, speed: Speed, ports: PortChoice | None, data: Path | None, display: ReplayDisplay
) -> Report:
    """Without a choice of ports it is to work beside a rig or another replay; at the usual ports if it can be.

    What is kept of a run is not run twice.
    """
    try:
        return run_scenario(item, tree, speed, ports or "high", display.show_progress, data, display.watch)
    except (BindError, ListenError) as error:
        if ports is not None or data is not None or error.errno != errno.EADDRINUSE:
            raise
        place, _, _ = str(error.strerror).partition(" ")
        typer.echo(f"{place} is in use, so ports that nobody uses are taken", err=True)
        return run_scenario(item, tree, speed, "free", display.show_progress, data, display.watch)


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
        if not files:
            fail(f"{place}: no scenario files (*.yaml) here", USAGE)
        yield from files


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError([f"{path}: {error.strerror}"]) from error


def _document(report: Report) -> dict[str, Any]:
    return {
        "scenario": report.scenario.scenario,
        "held": report.held,
        "expectations": verdicts(report),
        "events": [event._asdict() for event in report.seen.events],
    }
