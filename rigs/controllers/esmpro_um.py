"""ESMPRO/UPSManager: one agent on a UPS orders shutdowns, here and on other servers (requirements 5.1, H1 and H2)."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from ridethrough.emulators.config.base import Name, Seconds
from ridethrough.gateway.vocabulary import EventType
from ridethrough.rigs.controllers.actions import NoteWriter, is_up, order_shutdown
from ridethrough.rigs.controllers.base import Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient


class EsmproUmConfig(ControllerConfig):
    """The agent's server, its UPS, and the servers of multi-server agents."""

    type: Literal["esmpro_um"]
    name: Name = "um"
    server: Name
    ups: Name
    others: tuple[Name, ...] = ()
    command_s: Seconds = 5
    """From the orders to the UPS's."""


class EsmproUmController(Controller[EsmproUmConfig]):
    """Stands for one agent, which ends with its server."""

    config_class = EsmproUmConfig

    def __init__(self, config: EsmproUmConfig, context: ControllerContext, client: ControllerClient) -> None:
        server = context.plant.servers.get(config.server)
        addresses = {} if server is None else {config.ups: server.address}
        super().__init__(config, context, client.asking_from(addresses.get))
        self._notes = NoteWriter(self.client, self.note)
        self._events = client.events()
        self._acting = False

    async def run(self) -> None:
        """Wait for the confirmed outage of the agent's UPS."""
        async for event in self._events:
            if event["subject"] != self.config.ups:
                continue
            if (
                event["type"] == EventType.OUTAGE_CONFIRMED
                and not self._acting
                and is_up(self.client, self.config.server)
            ):
                self._acting = True
                self.spawn(self._end(), "outage")
            elif event["type"] == EventType.OUTAGE_CLEARED:
                self._acting = False

    async def _end(self) -> None:
        """Steps 2 to 5: agents, operating systems, their guests with them, and then the UPS."""
        self.note("outage", self.config.ups)
        for server in (*self.config.others, self.config.server):
            if is_up(self.client, server):
                self.note("shutdown", server)
                await self._notes.attempt(order_shutdown(self.client, server))
        await asyncio.sleep(self.config.command_s)
        await self._notes.attempt(self.client.command(self.config.ups, "output.off"))
        self.note("output_off", self.config.ups)

    def snapshot(self) -> dict[str, Any]:
        """`acting` from the confirmed outage to its end."""
        return {"acting": self._acting}


CONTROLLER = EsmproUmController
