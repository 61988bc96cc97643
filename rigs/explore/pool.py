"""The processes of a search. Each keeps what it loaded; results come in the order in which they were asked for."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import Inline
from ridethrough.rigs.explore.run import Violation
from ridethrough.rigs.explore.runner import Outcome, Reduced, RunMaker, Setting
from ridethrough.rigs.explore.timeline import Plan
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.scenario.html_report import html_of
from ridethrough.rigs.scenario.language import load_scenario
from ridethrough.rigs.scenario.runner import replay

_made: list[RunMaker] = []  # that of this process


def _begin(setting: Setting) -> None:
    """Make a process ready: Ctrl-C and standard output are the parent's, and what is loaded now is never garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.WARNING)
    _made[:] = [RunMaker(setting)]
    gc.collect()
    gc.freeze()


def _outcome(plan: Plan) -> Outcome:
    return _made[0].outcome(plan)


def _page(scenario: Path) -> str:
    """Replay a scenario; return its report page."""
    report = replay(load_scenario(scenario), standard_tree(), "max", "free")
    return html_of([report])


def _ready() -> None:
    """Nothing: whoever waits for it knows that a process is there."""


def _reduce(plan: Plan, violation: Violation) -> Reduced:
    return _made[0].reduce(plan, violation)


class RunPool:
    """Makes runs, several at a time."""

    def __init__(
        self, executor: Executor, outcome: Callable[[Plan], Outcome], reduce: Callable[[Plan, Violation], Reduced]
    ) -> None:
        self._executor = executor
        self._outcome, self._reduce = outcome, reduce

    def outcome(self, plan: Plan) -> Future[Outcome]:
        """Begin with a run; its future has the verdicts."""
        return self._executor.submit(self._outcome, plan)

    def reduce(self, plan: Plan, violation: Violation) -> Future[Reduced]:
        """Begin to shorten a plan."""
        return self._executor.submit(self._reduce, plan, violation)

    def page(self, scenario: Path) -> str:
        """Replay a scenario; return its report page. Raises FileError, BindError and ListenError."""
        return self._executor.submit(_page, scenario).result()

    def warm_up(self) -> None:
        """Start the processes, before this one has threads. Ctrl-C waits: Python's work after a fork would lose it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._executor.submit(_ready).result()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def at_once(rig: RigFile, jobs: int) -> int:
    """Return how many runs of a rig may be made at a time: one where its file names ports, as they are there once."""
    named = any(":" in place for monitor in rig.gateway.monitors for place in monitor.keyword.values())
    return min(jobs, 1) if named or rig.managers or rig.gateway.listen else jobs


@contextmanager
def pool_of(setting: Setting, jobs: int) -> Iterator[RunPool]:
    """A pool of `jobs` processes; with none, runs are made in this process, when they are asked for."""
    if jobs == 0:
        maker = RunMaker(setting)
        yield RunPool(Inline(), maker.outcome, maker.reduce)
        return
    gc.collect()
    gc.freeze()  # what is shared with the processes to come is not touched by their collector
    executor = ProcessPoolExecutor(jobs, get_context("fork"), _begin, (setting,))
    try:
        yield RunPool(executor, _outcome, _reduce)
    finally:
        _end(executor)
        gc.unfreeze()


def _end(executor: ProcessPoolExecutor) -> None:
    """End the processes at once: what they are at is wanted no more."""
    processes: Sequence[int] = list(executor._processes or ())  # noqa: SLF001  # there is no other way to the runs under way
    executor.shutdown(wait=False, cancel_futures=True)
    for pid in processes:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    executor.shutdown(wait=True)
