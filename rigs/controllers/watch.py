"""A controller that only listens: every event on one line."""

from __future__ import annotations

from typing import Literal

from ridethrough.rigs.controllers.base import Controller, ControllerConfig
from ridethrough.rigs.listening import one_line


class Config(ControllerConfig):
    """A stand-in that writes down every event that it hears."""

    type: Literal["watch"]
    name: str = "watch"


class Stand(Controller[Config]):
    """Notes, and nothing else."""

    async def run(self) -> None:
        async for event in self.desk.events():
            self.note("event", event["subject"], one_line(event))
