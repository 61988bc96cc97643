"""Reactions to the cluster manager's own orders, and to servers that come up (requirements 5.1 and 5.6)."""

from __future__ import annotations

from ridethrough.rigs.controllers.actions import NoteWriter, is_up
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost
from ridethrough.rigs.topology import plan_off


class ClusterManager:
    """Follows orders of the cluster manager, and starts jobs and guests on servers that come up."""

    def __init__(self, host: ControllerHost) -> None:
        self._host = host
        self._client = host.client
        self._notes: NoteWriter = host.notes

    def begin(self) -> None:
        """Start a task for each cluster and each server."""
        for cluster in filter(self._host.linked, self._host.topology.clusters):
            self._host.spawn(self._watch_cluster(cluster), cluster)
        for server in self._host.context.plant.servers:
            self._host.spawn(self._watch_server(server), server)

    async def _watch_cluster(self, cluster: str) -> None:
        nodes = self._host.topology.clusters[cluster].nodes
        followed: set[str] = set()

        def anything() -> bool:
            return self._ordered(cluster) or bool(self._leaving(cluster) - followed)

        while True:
            # K1: a shutdown from the manager is an AC-linked shutdown; a restart leaves the outputs alone.
            # K2: so is the shutdown of one server.
            await self._client.until(anything)
            if self._host.master is None:
                await self._client.until(lambda: self._host.master is not None)
            elif self._ordered(cluster):
                plan = plan_off(self._host.topology, f"manager {cluster}", nodes, self._host.idle, regardless=True)
                self._host.begin(plan)
                await self._client.until(lambda: not self._ordered(cluster))
            for node in sorted(self._leaving(cluster) - followed):
                self._follow(node)
            followed.clear()
            followed.update(self._leaving(cluster))

    def _ordered(self, cluster: str) -> bool:
        return bool(self._client.state(cluster, "manager") == "shutdown")

    def _leaving(self, cluster: str) -> set[str]:
        return set(self._client.state(cluster, "leaving") or ())

    def _follow(self, node: str) -> None:
        """K3: the output goes off under everybody else on the same UPS (001 section 11(5), 003 section 1.7.7(6))."""
        self._host.begin(plan_off(self._host.topology, f"manager {node}", [node], regardless=True))

    async def _watch_server(self, server: str) -> None:
        """J1: jobs at the start; 5.1, 4.2: guests whose start is this controller's business."""
        jobs = self._host.config.jobs.get(server)
        config = self._host.context.plant.servers[server]
        guests = config.guests if config.guests_start == "controller" else {}
        while True:
            await self._client.until(lambda: not is_up(self._client, server))
            await self._client.until(lambda: is_up(self._client, server) and self._host.master is not None)
            self._host.came_up(server)
            for job, seconds in (jobs.start if jobs is not None else {}).items():
                await self._notes.attempt(self._client.send_input(server, "job", job, str(seconds)))
            for guest in sorted(guests, key=lambda name: guests[name].rank):
                await self._notes.attempt(self._client.send_input(server, "guest_start", guest))
                await self._client.until(lambda guest=guest: self._guest(server, guest) == "running", 600)  # type: ignore[misc]

    def _guest(self, server: str, guest: str) -> str:
        return str((self._client.state(server, "guests") or {}).get(guest))
