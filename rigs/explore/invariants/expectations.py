"""The user's own expectations hold in every run. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.explore.invariants.base import Invariant
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.run import Run, Violation

NAME = "expectations"


def find(run: Run, _lookup: RunLookup) -> Iterator[Violation]:
    """Report those that did not hold."""
    for verdict in run.expectations:
        if not verdict.held:
            text = f"{verdict.step.words}: {verdict.detail}"
            yield Violation(NAME, verdict.step.words, min(verdict.step.window[1], run.end_s), text)


INVARIANT = Invariant(NAME, "what the user's own `expect` lines say holds whatever happens", find)
