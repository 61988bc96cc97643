"""A run of a rig: its actions, records of what it showed, and violations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ridethrough.rigs.lab.group_status import StatusRow
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.scenario.seen import Seen
from ridethrough.rigs.scenario.verdicts import Verdict


class Action(NamedTuple):
    """One thing that happens, `at_s` seconds from the start of the timeline."""

    at_s: float
    words: str
    """As `do` of a scenario has them: `line1 off`, `UPS1 mute`, `gateway kill`."""


class Run(NamedTuple):
    """A finished run."""

    rig: RigFile
    """As it was loaded, with what was laid over it."""
    timeline: tuple[Action, ...]
    seen: Seen
    end_s: float
    """End of the run: the last action, and then the time in which everything that returns must have returned."""
    conditions: tuple[Mapping[str, Any], ...] = ()
    """Open conditions of the gateway at the end, as `GET /v1/conditions` shows them."""
    table: tuple[StatusRow, ...] = ()
    """Rows of the groups' status table at the end; none without groups."""
    failures: tuple[str, ...] = ()
    """The run itself failed: an exception of a task that nobody handled, a gateway or a controller that ended."""
    expectations: tuple[Verdict, ...] = ()
    """Verdicts on the user's own `expect` lines."""
    attached: bool = False
    """A program from outside manages the servers, and not the stand-ins of the rig."""


class Violation(NamedTuple):
    """A rule that a run broke. Invariant and subject are its key: shortening a timeline keeps them."""

    invariant: str
    subject: str
    at_s: float
    text: str
    """One line for a person: what is so, what had to be, which rule says so."""

    @property
    def key(self) -> tuple[str, str]:
        """The part that two runs share when they break the same rule."""
        return self.invariant, self.subject
