"""The display of a search for people: a bar with runs, found and time left, and what is found above it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from ridethrough.rigs.explore.explorer import Limits, Result
from ridethrough.rigs.explore.report import line_of
from ridethrough.rigs.explore.run import Violation
from ridethrough.rigs.explore.runner import Reduced


class ExploreDisplay:
    """A bar on a terminal; on anything else, lines alone."""

    def __init__(self, rig: str, limits: Limits, *, quiet: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True, markup=False)
        self._limits = limits
        self._begun_s = time.monotonic()
        self._rig = rig
        self._found = 0
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            console=self._console,
            disable=quiet or not sys.stdout.isatty(),
            transient=True,
        )
        self._task = self.bar.add_task(rig, total=limits.runs or limits.seconds)

    def ran(self, runs: int) -> None:
        """Move the bar: by runs where those are limited, by time otherwise."""
        passed_s = time.monotonic() - self._begun_s
        words = f"{self._rig}  {runs} runs  {self._found} found"
        if self._limits.seconds is not None:
            words += f"  {max(0.0, self._limits.seconds - passed_s):.0f} s left"
        self.bar.update(self._task, completed=runs if self._limits.runs else passed_s, description=words)

    def found(self, violation: Violation) -> None:
        """Say that something was found."""
        self._found += 1
        self._console.print(f"found: {violation.invariant} of {violation.subject}; shortening its timeline")

    def reduced(self, finding: Reduced) -> None:
        """Show the shortest timeline."""
        self._console.print(f"FAIL {finding.violation.invariant}: {finding.violation.text}", style="bold red")
        for line in line_of(finding):
            self._console.print(line)

    def tell(self, result: Result, files: Sequence[str]) -> None:
        """Sum up."""
        for finding in result.findings:
            if finding.run is None:
                again = (
                    "was seen once, and not when it was tried again" if finding.runs else "was not shortened any more"
                )
                self._console.print(f"{finding.violation.invariant} of {finding.violation.subject} {again}:")
                self._console.print("\n".join([f"  {finding.violation.text}", *line_of(finding)]))
        for file in files:
            self._console.print(f"written: {file}")
        ended = "" if result.finished else ", interrupted"
        self._console.print(f"{self._rig}: {result.runs} runs, {len(result.findings)} found{ended}")


@contextmanager
def display_of(rig: str, limits: Limits, *, quiet: bool) -> Iterator[ExploreDisplay]:
    """A display whose bar is shown for the length of the block."""
    display = ExploreDisplay(rig, limits, quiet=quiet)
    with display.bar:
        yield display
