"""ESMPRO/UPSManager: one agent on a UPS orders shutdowns, here and on other servers (requirements 5.1, H1 and H2)."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from ridethrough.emulators.config.base import Name, Seconds
from ridethrough.gateway.vocabulary import Condition, EventType
from ridethrough.rigs.controllers.actions import RUNNING, NoteWriter, guests_are_off, is_up, order_shutdown
from ridethrough.rigs.controllers.base import Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.outputs import LOOK_S

OUTAGE = (EventType.OUTAGE_CONFIRMED, EventType.OUTAGE_CLEARED)
GUESTS_S = 300.0  # for which guests are waited for


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
        self._outage = False
        self._acting = bool(client.records.get(config.name))  # also when the agent is killed meanwhile

    async def run(self) -> None:
        """Follow the outages of the agent's UPS."""
        conditions = {(row["device"], row["condition"]) for row in await self.client.conditions()}
        self._outage = (self.config.ups, Condition.OUTAGE) in conditions
        self.spawn(self._act(), "agent")
        async for event in self._events:
            if event["subject"] == self.config.ups and event["type"] in OUTAGE:
                self._outage = event["type"] == EventType.OUTAGE_CONFIRMED
                self.client.wake()

    async def _act(self) -> None:
        """Act on a confirmed outage, also on one that still lasts when the server comes up."""
        server = self.config.server
        while True:
            await self.client.until(lambda: self._acting or (self._outage and is_up(self.client, server)))
            self._acting = self.client.records[self.name] = True
            await self._end()
            await self.client.until(lambda: not is_up(self.client, server))
            self._acting = self.client.records[self.name] = False

    async def _end(self) -> None:
        """Steps 2 to 5: agents, operating systems, their guests with them, and then the UPS (002 sections 5.1, 5.2)."""
        self.note("outage", self.config.ups)
        servers = [*self.config.others, self.config.server]
        for server in servers:
            if is_up(self.client, server):
                self.note("shutdown", server)
                await self._notes.attempt(order_shutdown(self.client, server))
        await self.client.until(lambda: all(guests_are_off(self.client, server) for server in servers), GUESTS_S)
        await asyncio.sleep(self.config.command_s)
        # The output comes back whatever the mains do meanwhile; the agent ends with its server.
        while self.client.state(self.config.server) in RUNNING:
            if await self._notes.attempt(self.client.command(self.config.ups, "output.off", order="return")):
                self.note("output_off", self.config.ups)
                return
            await asyncio.sleep(LOOK_S)

    def snapshot(self) -> dict[str, Any]:
        """`acting` from the beginning of a shutdown until the server is down."""
        return {"acting": self._acting}


CONTROLLER = EsmproUmController
