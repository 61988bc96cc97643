"""A controller that only notes events."""

from __future__ import annotations

from typing import Literal

from ridethrough.rigs.controllers.base import Controller, ControllerConfig
from ridethrough.rigs.event_lines import one_line


class WatchConfig(ControllerConfig):
    """A stand-in that notes every event."""

    type: Literal["watch"]
    name: str = "watch"


class WatchController(Controller[WatchConfig]):
    """Notes every event as a line for people."""

    config_class = WatchConfig

    async def run(self) -> None:
        """Follow the events until cancelled."""
        async for event in self.client.events():
            self.note("event", event["subject"], one_line(event))


CONTROLLER = WatchController
