"""ESMPRO/ServerAgent: what it does after it has reported a fault (requirements 3.4)."""

from __future__ import annotations

from typing import Any, Literal

from ridethrough.emulators.config.base import Name
from ridethrough.gateway.vocabulary import EventType
from ridethrough.rigs.controllers.actions import NoteWriter, is_up, order_shutdown
from ridethrough.rigs.controllers.base import Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient

SOURCE = "ESMCOMMONSERVICE"
EventId = Literal["C00001FD", "C0000203", "C0000454"]
# No document says which fault has which identifier; this is our reading, by the class of the notice.
EVENT_OF: dict[str, EventId] = {"fatal": "C00001FD", "degrade": "C0000203"}
OTHERS: EventId = "C0000454"
AfterReport = Literal["shutdown", "nothing"]


class ServerAgentConfig(ControllerConfig):
    """Servers that run it, and 通報後動作 for the events of 3.4."""

    type: Literal["server_agent"]
    name: Name = "agent"
    servers: tuple[Name, ...]
    after_report: AfterReport | dict[EventId, AfterReport] = "shutdown"
    """通報後動作, for all events or by event: シャットダウン as it is set at first; the BMC link wants 何もしない."""


class ServerAgentController(Controller[ServerAgentConfig]):
    """Stands for the agents of all servers named."""

    config_class = ServerAgentConfig

    def __init__(self, config: ServerAgentConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client)
        self._notes = NoteWriter(client, self.note)
        self._events = client.events()

    async def run(self) -> None:
        """Report notices of the BMCs, and shut servers down if configured."""
        async for event in self._events:
            server = event["data"].get("server") or ""
            if event["type"] == EventType.BMC_NOTICE and server in self.config.servers and is_up(self.client, server):
                event_id = EVENT_OF.get(event["data"].get("class", ""), OTHERS)
                self.note("reported", server, f"{SOURCE} {event_id}")
                if self._after(event_id) == "shutdown":
                    await self._notes.attempt(order_shutdown(self.client, server))

    def _after(self, event_id: EventId) -> AfterReport:
        wanted = self.config.after_report
        return wanted.get(event_id, "shutdown") if isinstance(wanted, dict) else wanted

    def snapshot(self) -> dict[str, Any]:
        """The configured action after a report."""
        return {"after_report": self.config.after_report}


CONTROLLER = ServerAgentController
