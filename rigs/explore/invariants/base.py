"""The shape of an invariant, and helpers that several of them share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.run import Run, Violation


class Invariant(NamedTuple):
    """A rule that holds for every timeline."""

    name: str
    description: str
    find: Callable[[Run, RunLookup], Iterator[Violation]]


def second(at_s: float) -> str:
    """Return an instant for a person."""
    return f"{round(at_s, 1):g} s"
