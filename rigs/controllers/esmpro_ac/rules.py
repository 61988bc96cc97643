"""Rules of the controller that are numbers or choices, with the section of the requirements at each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

RUNNING = ("running", "shutting-down")  # a terminal whose operating system is in one of these can still act
WEEK = timedelta(days=7)  # statistics are kept so long (2.6)


def elect(terminals: Sequence[str], alive: Callable[[str], bool], present: str | None) -> str | None:
    """Return the control terminal that is to be master (a GAP of the documents).

    The one that is, as long as it runs; then the first in the order of the tree that runs. None when none does.
    """
    if present is not None and alive(present):
        return present
    return next((terminal for terminal in terminals if alive(terminal)), None)


def off_order(*, returns: bool, linked_device: bool, on_recovery: str) -> tuple[str, dict[str, Any]]:
    """Return command and parameters that switch an output off, to come back as configured (2.5, 5.3, 5.4).

    On battery `auto` ends with the outage; on line it keeps the output off until this controller orders it on.
    """
    if on_recovery == "none":
        return "output.off", {"order": "stay_off"}
    if returns and not linked_device:
        return "output.reboot", {"graceful": True}  # D3, D4: servers come back at once and wait
    return "output.off", {"order": "auto"}


def by_rank(names: Iterable[str], ranks: Mapping[str, int]) -> list[list[str]]:
    """Return linked devices in the order in which they start; those of one rank start together (5.4, rank rule)."""
    ordered = sorted(names, key=lambda name: ranks[name])
    steps: list[list[str]] = []
    for name in ordered:
        if steps and ranks[steps[-1][0]] == ranks[name]:
            steps[-1].append(name)
        else:
            steps.append([name])
    return steps
