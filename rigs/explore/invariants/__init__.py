"""The rules that hold for every outage: one module for each invariant, found in a finished run. Pure.

`judge` gives the violations of a run, `INVARIANTS` the rules and `EXEMPTIONS` the named reasons for which one of them
may be broken. `rest_s` says for how long a rig must be left alone after the last action before its end can be judged.
"""

from __future__ import annotations

from ridethrough.rigs.explore.invariants import (
    bounded,
    expectations,
    failures,
    order,
    orderly,
    returns,
    truth,
    undisturbed,
)
from ridethrough.rigs.explore.invariants.base import Invariant
from ridethrough.rigs.explore.invariants.exemptions import EXEMPTIONS, Exemption
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.invariants.times import rest_s
from ridethrough.rigs.explore.run import Run, Violation

INVARIANTS: tuple[Invariant, ...] = tuple(
    module.INVARIANT for module in (returns, undisturbed, orderly, order, bounded, truth, failures, expectations)
)


def judge(run: Run) -> list[Violation]:
    """Return the violations of a run: by invariant, and of each in the order of the rig file."""
    lookup = RunLookup(run)
    return [violation for invariant in INVARIANTS for violation in invariant.find(run, lookup)]


__all__ = ["EXEMPTIONS", "INVARIANTS", "Exemption", "Invariant", "RunLookup", "judge", "rest_s"]
