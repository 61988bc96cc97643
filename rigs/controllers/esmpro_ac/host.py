"""Interface of the controller that its parts, automation and manager, use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from ridethrough.rigs.controllers.actions import NoteWriter
from ridethrough.rigs.controllers.base import ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.topology import ShutdownPlan, Topology


class ControllerHost(Protocol):
    """The controller, as automation and the cluster manager's linkage use it."""

    config: EsmproAcConfig
    context: ControllerContext
    client: ControllerClient
    notes: NoteWriter
    topology: Topology

    @property
    def master(self) -> str | None:
        """The terminal that acts now; None while none is up."""

    @property
    def idle(self) -> Sequence[str]:
        """Servers that are off."""

    @property
    def busy(self) -> set[str]:
        """Servers of the plans under way."""

    def linked(self, cluster: str) -> bool:
        """Return whether the cluster's software obeys this controller, and tells it what it does."""

    def begin(self, plan: ShutdownPlan) -> None:
        """Start a plan; one of the same cause that is under way goes on instead."""

    def outage(self, ups: str, *, over: bool) -> None:
        """An outage of a UPS is confirmed, or it is over."""

    def came_up(self, server: str) -> None:
        """A server runs again: an outage that still lasts concerns it."""

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Run something beside the main task; it ends with the controller."""

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        """Append a note in the controller's name."""
