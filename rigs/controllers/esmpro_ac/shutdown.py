"""The phases of an orderly shutdown, in the order of the documents (requirements 5.1 to 5.3, 5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter, guests_are_off, is_off, is_up, order_shutdown
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.record import PlanRecord
from ridethrough.rigs.controllers.esmpro_ac.rules import off_order
from ridethrough.rigs.controllers.outputs import AGAIN_S, look
from ridethrough.rigs.topology import Topology

UNANSWERED_S = 300.0  # for which a terminal stays up because its UPS has not taken the order


class ShutdownSequence:
    """Carries out one plan. It may be begun anew, by another terminal, at any point."""

    def __init__(
        self,
        notes: NoteWriter,
        config: EsmproAcConfig,
        topology: Topology,
        record: PlanRecord,
        own: Sequence[str],
        linked: Callable[[str], bool] = lambda _cluster: True,
    ) -> None:
        """`own` are the servers on which the controller itself runs; they go last. `linked` tells of a cluster whether
        its software obeys this controller (clpacmode).
        """
        self._notes = notes
        self._client = notes.client
        self._config = config
        self._linked = linked
        self._topology = topology
        self._guests = topology.guests
        self._record = record
        self.plan = record.plan
        self._own = [server for server in self.plan.servers if server in own]
        self._others = [server for server in self.plan.servers if server not in own]

    async def run(self) -> None:
        """Run all phases; what fails is noted, and the next phase begins all the same."""
        self._notes.note("plan", self.plan.cause, f"servers {', '.join(self.plan.servers) or 'none'}")
        await self._maintenance()
        await asyncio.gather(*(self._stop_cluster(name) for name in self.plan.clusters if self._stops(name)))
        await self._finish_jobs()
        self._notes.note("shutdown", self.plan.cause, "電源切断条件が成立しました....")
        await asyncio.gather(*(self._shut_down(server) for server in self._others))
        # 002 section 5.3: a terminal that is a hypervisor host orders its output when its own guests are off.
        late = {ups for server in self._own if self._has_guests(server) for ups in self._topology.feeds(server)}
        await self._outputs_off([ups for ups in self.plan.outputs if ups not in late])
        await asyncio.gather(*(self._end_terminal(server) for server in self._own))
        await self._outputs_off([ups for ups in self.plan.outputs if ups in late])

    async def _maintenance(self) -> None:
        """Step 2 of 5.1 H5: hosts that a SigmaSystemCenter keeps go into maintenance mode first."""
        if self._config.ssc is None:
            return
        for server in self._others:
            if server in self._config.hosts:
                await self._notes.attempt(
                    self._client.send_controller_input(self._config.ssc, "maintenance_on", server)
                )

    def _stops(self, cluster: str) -> bool:
        """Return whether the cluster is stopped before its servers are shut down (001 section 7.1)."""
        return self._linked(cluster) and (self._config.cluster_shutdown or not self.plan.restores)

    async def _stop_cluster(self, name: str) -> None:
        """Phase 2 of 5.2: until the cluster has stopped, or its time is over."""
        nodes = self._topology.clusters[name].nodes
        if self._client.state(name) == "running":
            await self._notes.attempt(self._client.send_input_if_running(name, "stop"))

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

    # --- servers ----------------------------------------------------------------------------------------------

    def _has_guests(self, server: str) -> bool:
        return bool(self._client.state(server, "guests"))

    async def _shut_down(self, server: str) -> None:
        """Phase 3 of 5.2: the order, and the notice that the shutdown has begun.

        A hypervisor host is waited for until it is off with its guests (002 section 5.4).
        """
        if is_up(self._client, server):
            await self._shut_guests(server)
            await self._notes.attempt(order_shutdown(self._client, server))
            if not await self._client.until(lambda: not is_up(self._client, server), self._config.order_s):
                self._notes.note("order_timeout", server)
        if self._has_guests(server) and not await self._client.until(
            lambda: is_off(self._client, server), self._config.host_off_s
        ):
            self._notes.note("host_timeout", server)

    async def _shut_guests(self, host: str) -> None:
        """002 section 4.2: the controller's order, the highest rank first, each one off before the next."""
        guests = self._guests.get(host, {}) if host in self._config.guests else {}
        for guest in sorted(guests, key=lambda name: -guests[name]):
            await self._notes.attempt(self._client.send_input(host, "guest_stop", guest))

            def off(guest: str = guest) -> bool:
                return bool((self._client.state(host, "guests") or {}).get(guest) == "off")

            await self._client.until(off, self._config.host_off_s)

    async def _end_terminal(self, server: str) -> None:
        """The controller's own server: down once its UPS has taken the order, and restarted when there is no need."""
        if self._has_guests(server):
            await self._shut_guests(server)
            await self._notes.attempt(order_shutdown(self._client, server))
            await self._client.until(lambda: guests_are_off(self._client, server), self._config.host_off_s)
            return
        if is_up(self._client, server):
            task = "reboot" if await self._spared(server) else "shutdown"
            await self._notes.attempt(self._client.send_input_if_running(server, task))
            if not await self._client.until(lambda: not is_up(self._client, server), self._config.order_s):
                self._notes.note("order_timeout", server)

    async def _spared(self, server: str) -> bool:
        """Return True if nothing will switch the server off, though it is to return: then nothing would start it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + UNANSWERED_S
        feeds = [ups for ups in self._topology.feeds(server) if ups in self._record.outputs]
        while self.plan.restores and (missing := [ups for ups in feeds if ups not in self._record.ordered_s]):
            states = [await look(self._client, ups) for ups in missing]
            if all(state is not None and state.input_good for state in states):
                return True
            if loop.time() >= end or any(state is not None and state.battery_low for state in states):
                break
            await asyncio.sleep(AGAIN_S)
            await self._outputs_off(missing)
        return False

    # --- outputs ----------------------------------------------------------------------------------------------

    async def _outputs_off(self, outputs: Iterable[str]) -> None:
        """5.3, steps 5: one UPS after the other; the disks' go last."""
        if not self._config.sole:
            return  # another software switches them
        due = [ups for ups in outputs if ups in self._record.outputs and ups not in self._record.ordered_s]
        for ups in due:
            pause_s = self._config.command_s if ups != due[-1] else 0
            await asyncio.gather(self.order_off(ups), asyncio.sleep(pause_s))

    async def order_off(self, ups: str) -> None:
        """Order one output off, unless somebody else keeps it off, or nobody behind it was to be ended."""
        state = await look(self._client, ups)
        off = state is not None and state.stays_off
        if (self.plan.restores and not self._concerns(ups)) or (off and ups not in self._record.tried):
            self._record.outputs.remove(ups)
            return
        self._record.tried.add(ups)
        recovery = self._topology.management.of_ups(ups).on_recovery
        controls = bool(set(self._topology.fed_by(ups)) & set(self._topology.terminals))
        on_line = state is not None and state.input_good
        command, params = off_order(self.plan, ups, recovery, on_line=on_line, controls=controls)
        try:
            await self._client.command(ups, command, **params)
        except ApiError as error:
            self._notes.note("output_not_ordered", ups, str(error))
        else:
            self._record.ordered_s[ups] = asyncio.get_running_loop().time()

    def _concerns(self, ups: str) -> bool:
        return ups in self.plan.linked_devices or bool(self._record.running & set(self._topology.fed_by(ups)))
