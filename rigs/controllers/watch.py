"""A controller that only listens: every event on one line."""

from __future__ import annotations

from typing import Literal

from ridethrough.rigs.controllers.base import Controller, ControllerConfig
from ridethrough.rigs.event_lines import one_line


class WatchConfig(ControllerConfig):
    """A stand-in that writes down every event that it hears."""

    type: Literal["watch"]
    name: str = "watch"


class WatchController(Controller[WatchConfig]):
    """Notes, and nothing else."""

    config_class = WatchConfig

    async def run(self) -> None:
        async for event in self.client.events():
            self.note("event", event["subject"], one_line(event))


CONTROLLER = WatchController
