"""What the parts of ESMPRO/AutomaticRunningController need of the whole."""

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
    """The controller, as automatic running and the cluster manager's linkage see it."""

    config: EsmproAcConfig
    context: ControllerContext
    client: ControllerClient
    notes: NoteWriter
    topology: Topology
    master: str | None  # the terminal that acts now; None while none is up

    @property
    def idle(self) -> Sequence[str]:
        """Servers that are off."""

    def begin(self, plan: ShutdownPlan) -> None:
        """Carry a plan out from now on."""

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Do something beside the main task; it ends with the controller."""

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        """Write down what the controller does, for its report."""
