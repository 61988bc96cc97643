"""The phases of an orderly shutdown, in the order of the documents (requirements 5.1 to 5.3, 5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter, is_up, order_shutdown
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.rules import off_order
from ridethrough.rigs.topology import ShutdownPlan, Topology


class ShutdownSequence:
    """Carries out one plan."""

    def __init__(
        self, notes: NoteWriter, config: EsmproAcConfig, topology: Topology, plan: ShutdownPlan, own: Sequence[str]
    ) -> None:
        """`own` are the servers on which the controller itself runs; they go last."""
        self._notes = notes
        self._client = notes.client
        self._config = config
        self._topology = topology
        self.plan = plan
        self._own = [server for server in plan.servers if server in own]
        self._others = [server for server in plan.servers if server not in own]

    async def run(self) -> None:
        """Run all phases; what fails is noted, and the next phase begins all the same."""
        self._notes.note("plan", self.plan.cause, f"servers {', '.join(self.plan.servers) or 'none'}")
        await self._maintenance()
        await asyncio.gather(*(self._stop_cluster(name) for name in self.plan.clusters))
        await self._finish_jobs()
        self._notes.note("shutdown", self.plan.cause, "電源切断条件が成立しました....")
        await asyncio.gather(*(self._shut_down(server) for server in self._others))
        await self._outputs_off()
        await asyncio.gather(*(self._shut_down(server) for server in self._own))

    async def _maintenance(self) -> None:
        """Step 2 of 5.1 H5: hosts that a SigmaSystemCenter keeps go into maintenance mode first."""
        if self._config.ssc is None:
            return
        for server in self._others:
            if server in self._config.hosts:
                await self._notes.attempt(
                    self._client.send_controller_input(self._config.ssc, "maintenance_on", server)
                )

    async def _stop_cluster(self, name: str) -> None:
        """Phase 2 of 5.2: until the cluster has stopped, or its time is over."""
        nodes = self._topology.clusters[name].nodes
        if self._client.state(name) == "running":
            await self._notes.attempt(self._client.send_input(name, "stop"))

        def ended() -> bool:
            return self._client.state(name) not in ("running", "stopping")

        if not await self._client.until(ended, self._config.cluster_timeout_s):
            self._notes.note("cluster_timeout", name, f"{len(nodes)} nodes are shut down all the same")

    async def _finish_jobs(self) -> None:
        """J2: jobs at the end run where the cluster has stopped; J3: jobs under way are waited for."""
        for server in self.plan.servers:
            jobs = self._config.jobs.get(server)
            for job, seconds in (jobs.stop if jobs is not None else {}).items():
                if is_up(self._client, server):
                    await self._notes.attempt(self._client.send_input(server, "job", job, str(seconds)))

        def done() -> bool:
            return not any(self._client.state(server, "jobs") for server in self.plan.servers)

        if not await self._client.until(done, self._config.job_timeout_s):
            self._notes.note("job_timeout", self.plan.cause)

    async def _shut_down(self, server: str) -> None:
        """Phase 3 of 5.2: the order, and the notice that the shutdown has begun."""
        if not is_up(self._client, server):
            return
        await self._notes.attempt(order_shutdown(self._client, server))
        if not await self._client.until(lambda: self._client.state(server) != "running", self._config.order_s):
            self._notes.note("order_timeout", server)

    async def _outputs_off(self) -> None:
        """5.3, steps 5: one UPS after the other; the disks' go last."""
        for ups in self.plan.outputs:
            linked = ups in self.plan.linked_devices
            recovery = self._topology.management.of_ups(ups).on_recovery
            command, params = off_order(returns=self.plan.returns, linked_device=linked, on_recovery=recovery)
            pause_s = self._config.command_s if ups != self.plan.outputs[-1] else 0
            await asyncio.gather(self._off(ups, command, params), asyncio.sleep(pause_s))

    async def _off(self, ups: str, command: str, params: dict[str, object]) -> None:
        try:
            await self._client.command(ups, command, **params)
        except ApiError as error:
            self._notes.note("output_not_ordered", ups, str(error))
