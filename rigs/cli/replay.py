"""replay: run scenarios and judge them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rigs.cli.common import (
    FAILED,
    USAGE,
    JsonOption,
    MibOption,
    PortsOption,
    SpeedOption,
    VerboseOption,
    configure_logging,
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
from rigs.scenario import Scenario, load_scenario
from rigs.verdicts import Verdict


def replay(
    scenario: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR...", help="Scenario files, or folders of them.", show_default=False),
    ],
    speed: SpeedOption = "max",
    ports: PortsOption = "high",
    mib_dir: MibOption = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts.")] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep each scenario's journal and device settings.")
    ] = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Run scenarios and say which expectations held.

    Example: `standin replay rigs/scenarios --speed max --junit report.xml`
    """
    configure_logging(logging.WARNING)
    reports: list[Report] = []
    with explained():
        scenarios = [load_scenario(file) for file in _files(scenario)]
        tree = tree_of(mib_dir)
        with Display(len(scenarios), quiet=json, verbose=verbose or len(scenarios) == 1) as display:
            for item in scenarios:
                data = keep / item.scenario if keep is not None else None
                display.begin(item)
                report = run_scenario(item, tree, speed, ports, display.tell, data)
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


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
        if not files:
            stop(f"{place}: no scenario files (*.yaml) here", USAGE)
        yield from files


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError([f"{path}: {error.strerror}"]) from error


class Display:
    """What a person sees while scenarios run: a line for each, or all of it; on a terminal with a bar below."""

    def __init__(self, total: int, *, quiet: bool, verbose: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True, markup=False)
        self._verbose = verbose
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=quiet or not sys.stdout.isatty(),
            transient=True,
        )
        self._total = total
        self._reports: list[Report] = []
        self._task = self._bar.add_task("", total=total)
        self._name = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._total > 1 and self._reports:
            failed = [report.scenario.scenario for report in self._reports if not report.held]
            self._say(f"{len(self._reports)} of {self._total} scenarios run, {len(failed)} failed", *failed)

    def begin(self, scenario: Scenario) -> None:
        self._name = scenario.scenario
        self._bar.update(self._task, description=self._name)

    def tell(self, at_s: float, words: str) -> None:
        """A step, or only that time passes."""
        self._bar.update(self._task, description=f"{self._name} {at_s:8.1f} s")
        if words and self._verbose:
            self._say(f"{at_s:9.3f}  {words}")

    def end(self, report: Report) -> None:
        for verdict in report.verdicts:
            if self._verbose or not verdict.held:
                self._say(_line(verdict))
        held = sum(verdict.held for verdict in report.verdicts)
        title = f"  {report.scenario.title}" if report.scenario.title and not self._verbose else ""
        mark = "ok  " if report.held else "FAIL"
        self._say(
            f"{mark} {report.scenario.scenario}: {held} of {len(report.verdicts)} expectations held{title}",
            style=None if report.held else "bold red",
        )
        self._reports.append(report)
        self._bar.advance(self._task)

    def _say(self, *words: str, style: str | None = None) -> None:
        self._console.print(" ".join(words), style=style)


def _line(verdict: Verdict) -> str:
    first, last = verdict.step.window
    window = f"{first:g}..{last:g} s"
    mark = "ok  " if verdict.held else "FAIL"
    return f"  {mark} {window:>16}  {verdict.step.words}: {verdict.detail}"


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
