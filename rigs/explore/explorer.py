"""A search from its beginning to its end: what is tried, found, shortened and told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import islice
from typing import NamedTuple, Protocol

from ridethrough.rigs.explore.dimensions import found_on
from ridethrough.rigs.explore.pool import RunPool, at_once, pool_of
from ridethrough.rigs.explore.run import Violation
from ridethrough.rigs.explore.runner import Outcome, Reduced, RunMaker, Setting
from ridethrough.rigs.explore.search import search
from ridethrough.rigs.explore.timeline import Plan
from ridethrough.rigs.rigfile.schema import RigFile

MOST_FINDINGS = 12  # a rig with more has to be mended first


class Limits(NamedTuple):
    """Limits of a search, whichever comes first, and what it leaves alone."""

    seconds: float | None = None
    runs: int | None = None
    findings: int = MOST_FINDINGS
    without: tuple[str, ...] = ()
    """Dimensions that do not vary."""


class Result(NamedTuple):
    """Outcome of a search."""

    runs: int
    findings: tuple[Reduced, ...]
    finished: bool = True
    """False when it was interrupted."""


class Display(Protocol):
    """Shows how a search goes on."""

    def ran(self, runs: int) -> None:
        """So many runs have been made."""

    def found(self, violation: Violation) -> None:
        """Something was found, and is being shortened."""

    def reduced(self, finding: Reduced) -> None:
        """It has been shortened."""


def explore(rig: RigFile, pool: RunPool, seed: int, limits: Limits, display: Display, jobs: int) -> Result:
    """Search until a limit is reached. Ctrl-C ends it with what was found.

    What is found depends on `rig`, `seed` and the number of runs alone, whatever `jobs` is.
    """
    explorer = _Explorer(pool, limits, display)
    try:
        explorer.search(rig, seed, jobs)
        return Result(explorer.runs, tuple(explorer.findings()))
    except KeyboardInterrupt:
        return Result(explorer.runs, tuple(explorer.findings()), finished=False)


class Silent:
    """Shows nothing."""

    def ran(self, runs: int) -> None:
        """Nothing."""

    def found(self, violation: Violation) -> None:
        """Nothing."""

    def reduced(self, finding: Reduced) -> None:
        """Nothing."""


def explored(setting: Setting, seed: int, limits: Limits, jobs: int) -> Result:
    """Search in silence. Raises FileError, BindError and ListenError."""
    rig = RunMaker(setting).rig({})
    jobs = at_once(rig, jobs)
    with pool_of(setting, jobs) as pool:
        return explore(rig, pool, seed, limits, Silent(), jobs)


class _Finding(NamedTuple):
    plan: Plan
    violation: Violation
    reducing: Future[Reduced]


class _Explorer:
    def __init__(self, pool: RunPool, limits: Limits, display: Display) -> None:
        self._pool, self._limits, self._display = pool, limits, display
        self.runs = 0
        self._findings: list[_Finding] = []
        self._done: list[Reduced] = []
        self._known: set[tuple[str, str]] = set()
        self._end_s = None if limits.seconds is None else time.monotonic() + limits.seconds

    def search(self, rig: RigFile, seed: int, jobs: int) -> None:
        batches = search(found_on(rig, self._limits.without), seed)
        try:
            batch = next(batches)
            while True:
                outcomes = list(self._outcomes(batch, jobs))
                self._wait()
                if len(outcomes) < len(batch) or self._over():
                    return
                batch = batches.send([outcome.instants for outcome in outcomes])
        except StopIteration:
            return

    def _outcomes(self, batch: list[Plan], jobs: int) -> Iterator[Outcome]:
        """Run the plans of a batch, a few ahead of what is looked at; ends early at a limit."""
        plans = iter(batch)
        ahead = [(plan, self._pool.outcome(plan)) for plan in islice(plans, max(1, 2 * jobs))]
        while ahead and not self._over():
            plan, future = ahead.pop(0)
            outcome = future.result()
            if (following := next(plans, None)) is not None:
                ahead.append((following, self._pool.outcome(following)))
            self.runs += 1
            self._display.ran(self.runs)
            self._look_at(plan, outcome)
            yield outcome
        for _, future in ahead:
            future.cancel()

    def _over(self) -> bool:
        late = self._end_s is not None and time.monotonic() >= self._end_s
        enough = self._limits.runs is not None and self.runs >= self._limits.runs
        return late or enough or len(self._findings) >= self._limits.findings

    def _look_at(self, plan: Plan, outcome: Outcome) -> None:
        """Follow up the first violation of each rule; the others of a run mostly have the same cause."""
        begun = {finding.violation.invariant for finding in self._findings[len(self._done) :]}
        for violation in outcome.violations:
            if violation.key not in self._known and violation.invariant not in begun:
                begun.add(violation.invariant)
                self._display.found(violation)
                self._findings.append(_Finding(plan, violation, self._pool.reduce(plan, violation)))

    def _wait(self) -> None:
        """Learn which other violations the shortest plans of this batch show, too: they are found with them."""
        for finding in self._findings[len(self._done) :]:
            reduced = finding.reducing.result()
            self._known |= {finding.violation.key, *(item.key for item in reduced.others)}
            self._done.append(reduced)
            self._display.reduced(reduced)

    def findings(self) -> list[Reduced]:
        """Return what was found, shortened, or as it was found where that has not ended."""
        left = self._findings[len(self._done) :]
        return [*self._done, *(Reduced(finding.plan, finding.violation, (), None, 0) for finding in left)]
