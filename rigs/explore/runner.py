"""The part of a search that one process has: runs, judged, and plans made shorter. It keeps what it loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.gateway.receive import ListenError
from ridethrough.mibs import MibTree, standard_tree
from ridethrough.rigs.clock import Speed
from ridethrough.rigs.explore.attached import Attached
from ridethrough.rigs.explore.carry_out import Expectations, carry_out
from ridethrough.rigs.explore.instants import instants_of
from ridethrough.rigs.explore.invariants import judge, rest_s
from ridethrough.rigs.explore.run import Run, Violation
from ridethrough.rigs.explore.shrink import LIMIT, shrink
from ridethrough.rigs.explore.timeline import Plan
from ridethrough.rigs.rigfile.schema import RigFile, load_rig
from ridethrough.rigs.rigfile.yaml import merged

TRIES = 3  # at ports that another program takes first
RIGS = 32  # kept
SLOW_LIMIT = 4  # runs to shorten a plan where each takes its time


class Setting(NamedTuple):
    """The part that all runs of a search share."""

    rig: Path
    patch: Mapping[str, Any] = {}
    speed: Speed = "max"
    attached: Attached | None = None
    """The controller under test."""
    expected: Expectations = ()


class Outcome(NamedTuple):
    """A run that was judged."""

    violations: tuple[Violation, ...]
    instants: tuple[float, ...]


class Reduced(NamedTuple):
    """The shortest plan that shows a violation, and what its run showed. Without a run nothing was seen again."""

    plan: Plan
    violation: Violation
    others: tuple[Violation, ...]
    run: Run | None
    runs: int


class RunMaker:
    """Makes and judges the runs of one process."""

    def __init__(self, setting: Setting, tree: MibTree | None = None) -> None:
        self._setting = setting
        self._tree = tree or standard_tree()
        self._rigs: dict[str, RigFile] = {}

    def rig(self, patch: Mapping[str, Any], *, anew: bool = False) -> RigFile:
        """Return the rig with a patch, on ports that nobody uses. Raises FileError."""
        key = json.dumps(patch, sort_keys=True)
        if anew or key not in self._rigs:
            if len(self._rigs) >= RIGS:
                self._rigs.clear()
            self._rigs[key] = load_rig(self._setting.rig, "free", merged(dict(self._setting.patch), dict(patch)))
        return self._rigs[key]

    def run(self, plan: Plan) -> Run:
        """Carry out a plan. Raises FileError, BindError and ListenError."""
        setting = self._setting
        rig = self.rig(plan.patch)
        for left in reversed(range(TRIES)):
            try:
                attach = None if setting.attached is None else setting.attached.on(rig)
                return carry_out(
                    rig,
                    self._tree,
                    plan.timeline,
                    rest_s(rig),
                    speed=setting.speed,
                    attach=attach,
                    expected=setting.expected,
                )
            except (BindError, ListenError):
                if not left:
                    raise
                rig = self.rig(plan.patch, anew=True)
        raise AssertionError  # the last try returned or raised

    def outcome(self, plan: Plan) -> Outcome:
        """Carry out a plan and judge it."""
        run = self.run(plan)
        return Outcome(tuple(judge(run)), instants_of(run))

    def reduce(self, plan: Plan, violation: Violation) -> Reduced:
        """Shorten a plan as long as it shows the same violation; in real time by a few runs only."""
        limit = LIMIT if self._setting.speed == "max" else SLOW_LIMIT
        shown: dict[int, tuple[Run, list[Violation]]] = {}

        def shows(candidate: Plan) -> bool:
            run = self.run(candidate)
            violations = judge(run)
            if any(item.key == violation.key for item in violations):
                shown[0] = run, violations
                return True
            return False

        if not shows(plan):
            return Reduced(plan, violation, (), None, 1)
        shortest, runs = shrink(plan, shows, limit)
        run, violations = shown[0]
        now = next(item for item in violations if item.key == violation.key)
        others = tuple(item for item in violations if item.key != violation.key)
        return Reduced(shortest, now, others, run, runs + 1)
