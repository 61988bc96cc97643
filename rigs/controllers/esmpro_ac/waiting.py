"""Nodes that came up without their shared disks: they restart once those are ready (001 section 9.2, 003 1.7.5.2(B)).

Nothing else that is up is ever restarted: a node waits when its cluster says so.
"""

from __future__ import annotations

from ridethrough.rigs.controllers.actions import NoteWriter, is_up
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost


class WaitingNodes:
    """Restarts the nodes of all clusters that wait for disks, those of the controller last."""

    def __init__(self, host: ControllerHost) -> None:
        self._host = host
        self._client = host.client
        self._notes: NoteWriter = host.notes
        self._restarted: set[str] = set()  # that have their order and have not gone down yet

    def begin(self) -> None:
        """Start a task for each cluster with shared disks."""
        for name, cluster in self._host.topology.clusters.items():
            if cluster.disks and self._host.linked(name):
                self._host.spawn(self._watch(name), f"{name} disks")

    def _due(self, cluster: str) -> list[str]:
        """Return the nodes that wait although all disks are ready; servers of plans under way are left to those."""
        self._restarted = {node for node in self._restarted if is_up(self._client, node)}
        if self._host.master is None or not self._ready(cluster):
            return []
        nodes = self._client.state(cluster, "nodes") or {}
        return [
            node
            for node in self._host.topology.members
            if nodes.get(node) == "waiting"
            and is_up(self._client, node)
            and node not in self._restarted
            and node not in self._host.busy
        ]

    def _ready(self, cluster: str) -> bool:
        return all(self._client.state(disk) == "ready" for disk in self._host.topology.clusters[cluster].disks)

    async def _watch(self, cluster: str) -> None:
        while True:
            await self._client.until(lambda: bool(self._due(cluster)))
            due = self._due(cluster)
            await self._stop(cluster)
            terminals = self._host.topology.terminals
            for node in sorted(due, key=lambda node: node in terminals):
                self._restarted.add(node)
                await self._notes.attempt(self._client.send_input_if_running(node, "reboot"))

    async def _stop(self, cluster: str) -> None:
        """001 section 9.2(1): a cluster of which nothing runs yet is shut down, and then restarted."""
        if self._client.state(cluster) != "waiting":
            return
        await self._notes.attempt(self._client.send_input_if_running(cluster, "stop"))
        await self._client.until(lambda: self._client.state(cluster) != "stopping", self._host.config.cluster_timeout_s)
