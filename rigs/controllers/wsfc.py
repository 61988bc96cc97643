"""Windows Server Failover Clustering with Hyper-V: roles move when a node is silent (support matrix of section 1)."""

from __future__ import annotations

from typing import Any, Literal

from ridethrough.emulators.config.base import Name, Seconds
from ridethrough.gateway.vocabulary import EventType
from ridethrough.rigs.controllers.actions import NoteWriter
from ridethrough.rigs.controllers.base import Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.failover import fail_over


class WsfcConfig(ControllerConfig):
    """A cluster, and the time that its roles take to move."""

    type: Literal["wsfc"]
    name: Name = "wsfc"
    cluster: Name
    move_s: Seconds = 20


class WsfcController(Controller[WsfcConfig]):
    """Moves roles of a node without a heartbeat on the servers' network; the BMC's is not known here."""

    config_class = WsfcConfig

    def __init__(self, config: WsfcConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client)
        self._nodes = context.plant.clusters[config.cluster].nodes
        self._notes = NoteWriter(client, self.note)
        self._events = client.events()
        self._down: set[str] = set()

    async def run(self) -> None:
        """Follow the servers' heartbeats."""
        async for event in self._events:
            node = event["subject"]
            if node in self._nodes and event["type"] == EventType.SERVER_LOST:
                self._down.add(node)
                self.note("node_down", node)
                self.spawn(self._move(node), node)
            elif node in self._nodes and event["type"] == EventType.SERVER_FOUND:
                self._down.discard(node)
                self.note("node_up", node)

    async def _move(self, node: str) -> None:
        await fail_over(self._notes, self.config.cluster, self._nodes, node, self.config.move_s)

    def snapshot(self) -> dict[str, Any]:
        """Nodes without a heartbeat."""
        return {"down": sorted(self._down)}


CONTROLLER = WsfcController
