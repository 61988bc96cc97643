"""A plan with what was done of it: it survives the terminal that carries it out, as records of the product do."""

from __future__ import annotations

from collections.abc import Iterable

from ridethrough.rigs.topology import ShutdownPlan


class TerminalRecords:
    """Records on the disks of all terminals: they outlive the terminal that acts, and a service that is killed."""

    def __init__(self) -> None:
        self.master: str | None = None
        """The terminal that acts; None when none was alive."""
        self.plans: dict[str, PlanRecord] = {}
        """Under way, or cut off with their terminal, by their causes."""
        self.startups: dict[str, PlanRecord] = {}
        """Plans whose way back is under way."""
        self.handled: set[str] = set()
        """Linked devices whose outage has been dealt with, until it ends."""


class PlanRecord:
    """Servers and outputs that a plan ended and that are still to be brought back."""

    def __init__(self, plan: ShutdownPlan, running: Iterable[str]) -> None:
        """`running` are the servers of the plan that are not off when it begins: only they are to run again."""
        self.plan = plan
        self.running: set[str] = set(running) & set(plan.servers)
        self.outputs: list[str] = list(plan.outputs)
        """Outputs that the plan still answers for."""
        self.ordered_s: dict[str, float] = {}
        """Outputs whose order was taken, and when, by the loop's clock."""
        self.went_off: set[str] = set()
        """Outputs that were seen off since their order."""
        self.tried: set[str] = set()
        """Outputs that were ordered off, taken or not: those that are found off are off by this controller."""

    def yields_to(self, other: PlanRecord) -> None:
        """A later plan answers for what both of them concern."""
        other.running |= self.running & set(other.plan.servers)
        self.running -= set(other.plan.servers)
        other.tried |= self.tried & set(self.outputs)
        self.outputs = [ups for ups in self.outputs if ups not in other.plan.outputs]
