"""Output of replays, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Protocol, Self

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.runner import Report, Watch
from ridethrough.rigs.scenario.seen import SeenEvent, SeenNote, SeenOrder, line_of
from ridethrough.rigs.scenario.verdicts import Verdict


class ReplayDisplay(Protocol):
    """Shows the progress of scenarios. `watch` gets every event, order and note, where it is not None."""

    watch: Watch | None

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def begin(self, scenario: Scenario) -> None:
        """Called before a scenario runs."""

    def show_progress(self, at_s: float, words: str) -> None:
        """Called for each step done, and with empty words once a second where time is real."""

    def end(self, report: Report) -> None:
        """Called with the verdicts of the scenario."""


class ConsoleDisplay:
    """Output for people: a line for each scenario, or all steps; on a terminal with a bar below."""

    watch: Watch | None = None

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
        """Name the scenario in the bar."""
        self._name = scenario.scenario
        self._bar.update(self._task, description=self._name)

    def show_progress(self, at_s: float, words: str) -> None:
        """Show a step, or with empty words the time."""
        self._bar.update(self._task, description=f"{self._name} {at_s:8.1f} s")
        if words and self._verbose:
            self._say(f"{at_s:9.3f}  {words}")

    def end(self, report: Report) -> None:
        """Print the failed expectations, or all, and a line for the scenario."""
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


class JsonLinesDisplay:
    """One JSON document a line, for programs: `kind` is scenario, passed, done, event, order, note, verdict or end."""

    def __init__(self) -> None:
        self.watch: Watch | None = self._seen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def begin(self, scenario: Scenario) -> None:
        """Print `scenario` with all expectations."""
        expected = [step for step in scenario.timeline if step.expect is not None]
        self._put(
            "scenario",
            scenario=scenario.scenario,
            title=scenario.title,
            end_s=scenario.end_s,
            expectations=[{"step": step.words, "window_s": step.window} for step in expected],
        )

    def show_progress(self, at_s: float, words: str) -> None:
        """Print `done` for a step, `passed` for time."""
        if words:
            self._put("done", at_s=at_s, text=words)
        else:
            self._put("passed", at_s=round(at_s, 3))

    def _seen(self, item: SeenEvent | SeenOrder | SeenNote) -> None:
        kind = {SeenEvent: "event", SeenOrder: "order", SeenNote: "note"}[type(item)]
        text = item.data["text"] if isinstance(item, SeenEvent) else getattr(item, "text", "")
        self._put(kind, at_s=item.at_s, what=line_of(item).rpartition(" at ")[0], text=text)

    def end(self, report: Report) -> None:
        """Print a `verdict` for each expectation, then `end`."""
        for row in verdicts(report):
            self._put("verdict", **row)
        self._put("end", held=report.held)

    def _put(self, kind: str, **members: Any) -> None:
        typer.echo(msgspec.json.encode({"kind": kind, **members}).decode())
        sys.stdout.flush()


def verdicts(report: Report) -> Sequence[dict[str, Any]]:
    """Return every expectation, as JSON has it."""
    return [
        {"step": verdict.step.words, "window_s": verdict.step.window, "held": verdict.held, "seen": verdict.detail}
        for verdict in report.verdicts
    ]
