"""The run itself came to its end. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.explore.invariants.base import Invariant
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.run import Run, Violation

NAME = "failures"


def find(run: Run, _lookup: RunLookup) -> Iterator[Violation]:
    """Report what the run says of itself; a controller's notes of orders that failed are none of it."""
    for text in run.failures:
        subject, separator, _ = text.partition(":")
        yield Violation(NAME, subject if separator and " " not in subject else "run", run.end_s, text)
    for note in run.seen.notes:
        if note.mark == "failed" and note.subject.startswith(f"{note.controller} "):
            yield Violation(NAME, note.controller, note.at_s, f"{note.subject} ended: {note.text}")


INVARIANT = Invariant(
    NAME, "no task of the gateway, the emulators or a controller ends with an exception that nobody handles", find
)
