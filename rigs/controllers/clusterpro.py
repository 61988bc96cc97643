"""CLUSTERPRO X: external-linkage monitors with the six steps of the BMC link, heartbeats, failover (requirements 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ridethrough.emulators.config.base import Name, RigModel, Seconds
from ridethrough.gateway.vocabulary import EventType
from ridethrough.rigs.controllers.actions import NoteWriter, is_up
from ridethrough.rigs.controllers.base import Act, Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.failover import fail_over
from ridethrough.rigs.topology import backup_heartbeats

Recovery = Literal["failover", "stop", "none"]


class MonitorRecovery(RigModel):
    """回復動作 and 回復対象 of one external-linkage monitor."""

    action: Recovery = "failover"
    target: Name | None = None
    """The group that moves; all groups on the server concerned when left out."""


class ClusterproConfig(ControllerConfig):
    """A cluster and its recovery action."""

    type: Literal["clusterpro"]
    name: Name = "clusterpro"
    cluster: Name
    recovery: Recovery = "failover"
    """回復動作; in principle a failover of the groups on the server concerned (3.3)."""
    monitors: dict[Name, MonitorRecovery] = Field(default_factory=dict)
    """Recovery of single monitors, by their names; the others have `recovery`."""
    recovery_s: Seconds = 10
    """Time that a failover takes."""
    ends_recovery: bool = True
    """Report the end of a recovery to the BMC."""
    ipmi_service_stopped: tuple[Name, ...] = ()
    """Servers whose ipmi service does not run, against 3.4."""


class ClusterproController(Controller[ClusterproConfig]):
    """Stands for the monitors of a cluster: each acts on the server that it names, while that server runs."""

    config_class = ClusterproConfig

    def __init__(self, config: ClusterproConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client)
        self._nodes = context.plant.clusters[config.cluster].nodes
        self._monitors = context.monitors
        self._notes = NoteWriter(client, self.note)
        self._events = client.events()
        servers = context.plant.servers
        self._heartbeats = {  # subject of the gateway's events to node and interconnect
            subject: (node, subject.removeprefix(f"{node}.") if subject != node else "lan")
            for node in self._nodes
            for subject in (node, *backup_heartbeats(node, servers[node]))
        }
        self._status = {way: dict.fromkeys(self._nodes, "up") for _, way in self._heartbeats.values()}
        self._status["bmc"] = dict.fromkeys(self._nodes, "up")
        self._recovering: dict[str, int] = {}

    async def run(self) -> None:
        """Note broken preconditions, then follow the events."""
        for server in self.config.ipmi_service_stopped:
            self.note("precondition", server, "the ipmi service does not run: the link with the BMC is not active")
        async for event in self._events:
            self._handle_event(event)

    def _handle_event(self, event: dict[str, Any]) -> None:
        subject, data = event["subject"], event["data"]
        if (heartbeat := self._heartbeats.get(subject)) is not None:
            self._follow_lan(event["type"], *heartbeat)
            return
        node = subject.removesuffix(".bmc")
        if node not in self._nodes:
            return
        match event["type"]:
            case EventType.BMC_NOTICE if self._acts(data):
                self.spawn(self._recover(subject, data), subject)
            case EventType.HEARTBEAT_LOST | EventType.HEARTBEAT_RESTORED as kind:
                # Silence on the BMC network alone says nothing about the server (design section 7).
                self._status["bmc"][node] = "down" if kind.endswith("lost") else "up"
                self.note("bmc_heartbeat", node, self._status["bmc"][node])

    def _follow_lan(self, kind: str, node: str, way: str) -> None:
        """A node is lost when it is silent on every LAN interconnect, dedicated and backup (004)."""
        if kind not in (EventType.SERVER_LOST, EventType.SERVER_FOUND):
            return
        self._status[way][node] = "down" if kind == EventType.SERVER_LOST else "up"
        self.note("lan_heartbeat", node, f"{way} {self._status[way][node]}")
        if all(states[node] == "down" for way, states in self._status.items() if way != "bmc"):
            self.spawn(self._lose(node), node)

    # --- the BMC link -----------------------------------------------------------------------------------------

    def _acts(self, data: Mapping[str, Any]) -> bool:
        server = str(data.get("server"))
        return is_up(self.client, server) and server not in self.config.ipmi_service_stopped and bool(self._named(data))

    async def _recover(self, bmc: str, data: Mapping[str, Any]) -> None:
        """Steps 3 to 6 of 3.2."""
        server, incident = str(data["server"]), data.get("incident")
        self._recovering[server] = incident or 0
        self.note("notice", server, f"incident {incident}")
        watch = self.spawn(self._watch_conflict(server), f"{server} conflict")
        await self._notes.attempt(self.client.command(bmc, "recovery.start", incident=incident, node=server))
        moved = [group for name in self._named(data) for group in await self._act(server, name)]
        self._recovering.pop(server, None)
        watch.cancel()  # once the end is reported, the BMC acts
        if self.config.ends_recovery:
            action = f"{', '.join(moved) or 'nothing'} moved"
            await self._notes.attempt(self.client.command(bmc, "recovery.end", incident=incident, action=action))

    def _named(self, data: Mapping[str, Any]) -> list[str]:
        return [name for name in self._monitors if name in data.get("monitors", ())]

    async def _act(self, server: str, monitor: str) -> list[str]:
        """Recovery action and target are the monitor's (004, 回復動作 and 回復対象)."""
        cluster = self.config.cluster
        wanted = self.config.monitors.get(monitor) or MonitorRecovery(action=self.config.recovery)
        if wanted.action == "failover":
            return await fail_over(self._notes, cluster, self._nodes, server, self.config.recovery_s, wanted.target)
        if wanted.action == "stop":
            await self._notes.attempt(self.client.send_input(cluster, "stop"))
            await self.client.until(lambda: self.client.state(cluster) == "stopped", self.config.recovery_s)
        return []

    async def _watch_conflict(self, server: str) -> None:
        """3.4: another agent that shuts the server down competes with the recovery."""

        def conflict() -> bool:
            return server in self._recovering and not is_up(self.client, server)

        await self.client.until(conflict)
        if server in self._recovering:
            self.note("conflict", server, "it is being shut down while its recovery is under way")

    # --- heartbeats -------------------------------------------------------------------------------------------

    async def _lose(self, node: str) -> None:
        """A node whose operating system is silent loses its groups."""
        await fail_over(self._notes, self.config.cluster, self._nodes, node, self.config.recovery_s)

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """`shutdown`, as from the cluster manager."""
        return {"shutdown": ("cluster shutdown from the manager", self._shutdown)}

    async def _shutdown(self, _args: list[str]) -> None:
        await self.client.send_input(self.config.cluster, "shutdown")

    def snapshot(self) -> dict[str, Any]:
        """Heartbeats, monitors, and recoveries under way with their incidents."""
        acmode = not self.context.unlinked & set(self._nodes)
        return {
            "clpacmode": ["Command succeeded.", f"current acmode: {'enabled' if acmode else 'disabled'}"],
            "heartbeats": self._status,
            "monitors": self._monitors,
            "recovering": dict(self._recovering),
        }


CONTROLLER = ClusterproController
