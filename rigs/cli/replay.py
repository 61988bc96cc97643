"""replay: run scenarios and judge them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from rigs.cli.common import (
    FAILED,
    USAGE,
    JsonOption,
    MibOption,
    PortsOption,
    SpeedOption,
    explained,
    print_json,
    stop,
    tree_of,
)
from rigs.files import FileError
from rigs.html_report import html_of
from rigs.junit import junit_of
from rigs.runner import Report
from rigs.runner import replay as run_scenario
from rigs.scenario import load_scenario


def replay(
    scenario: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="Scenario file, or a folder of them.")],
    speed: SpeedOption = "max",
    ports: PortsOption = "high",
    mib_dir: MibOption = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts.")] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep each scenario's journal and device settings.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run scenarios and say which expectations held.

    Example: `standin replay rigs/scenarios --speed max --junit report.xml`
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    files = sorted(scenario.glob("*.yaml")) if scenario.is_dir() else [scenario]
    if not files:
        stop(f"{scenario}: no scenario files (*.yaml) here", USAGE)
    reports: list[Report] = []
    with explained():
        tree = tree_of(mib_dir)
        for file in files:
            scenario_file = load_scenario(file)
            data = keep / scenario_file.scenario if keep is not None else None
            report = run_scenario(scenario_file, tree, speed, ports, None if json else _tell, data)
            reports.append(report)
            if not json:
                _print(report)
        if junit is not None:
            _write(junit, junit_of(reports))
        if html is not None:
            _write(html, html_of(reports))
    if json:
        print_json([_document(report) for report in reports])
    if not all(report.held for report in reports):
        raise typer.Exit(FAILED)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError([f"{path}: {error.strerror}"]) from error


def _tell(at_s: float, words: str) -> None:
    typer.echo(f"{at_s:9.3f}  {words}")


def _print(report: Report) -> None:
    for verdict in report.verdicts:
        first, last = verdict.step.window
        window = f"{first:g}..{last:g} s"
        mark = "ok  " if verdict.held else "FAIL"
        typer.echo(f"  {mark} {window:>16}  {verdict.step.words}: {verdict.detail}")
    held = sum(verdict.held for verdict in report.verdicts)
    typer.echo(f"{report.scenario.scenario}: {held} of {len(report.verdicts)} expectations held")


def _document(report: Report) -> dict[str, Any]:
    return {
        "scenario": report.scenario.scenario,
        "held": report.held,
        "expectations": [
            {"step": verdict.step.words, "window_s": verdict.step.window, "held": verdict.held, "seen": verdict.detail}
            for verdict in report.verdicts
        ],
        "events": [event._asdict() for event in report.seen.events],
    }
