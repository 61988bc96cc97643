"""The start after an outage: disks in the order of their ranks, then outputs and servers (requirements 5.4).

It compares what the plan has switched off with what is on, and ends when all of it runs, whatever the mains did
meanwhile (001 section 9.1, 003 section 1.7.5.1). Nodes that came up without their disks are the business of `waiting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter, is_off, is_up
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.record import PlanRecord
from ridethrough.rigs.controllers.esmpro_ac.rules import by_rank
from ridethrough.rigs.controllers.esmpro_ac.shutdown import ShutdownSequence
from ridethrough.rigs.controllers.outputs import AGAIN_S, LOOK_S, bring_back, look
from ridethrough.rigs.topology import Topology

LONGEST_OFF_S = 1200.0  # from the orders to the last output that goes off
START_S = 30.0  # until a server whose supply has returned shows any life
BOOT_S = 900.0  # for which a server that was asked to start is waited for


class StartupSequence:
    """Starts what one plan has switched off. It may be begun anew, by another terminal, at any point."""

    def __init__(
        self,
        notes: NoteWriter,
        config: EsmproAcConfig,
        topology: Topology,
        record: PlanRecord,
        disks: Callable[[str], list[str]],
    ) -> None:
        """`disks` returns the disks that a linked device feeds."""
        self._notes = notes
        self._client = notes.client
        self._config = config
        self._topology = topology
        self._record = record
        self.plan = record.plan
        self._disks = disks
        self._orders = ShutdownSequence(notes, config, topology, record, [])

    async def run(self) -> None:
        """Bring everything back; returns when it runs, or when a later plan answers for it."""
        plan = self.plan
        servers = [ups for ups in plan.outputs if ups not in plan.linked_devices]
        if plan.returns:
            await asyncio.gather(self._start_disks(), *(self._output(ups) for ups in servers))
        else:
            await self._start_disks()
            await asyncio.gather(*(self._output(ups) for ups in servers))
        await asyncio.gather(*(self._start_server(server) for server in plan.servers))

    def _answers_for(self, ups: str) -> bool:
        """True unless a later plan does, or リブートしない leaves the output to people (2.5)."""
        return ups in self._record.outputs and self._topology.management.of_ups(ups).on_recovery != "none"

    # --- outputs ----------------------------------------------------------------------------------------------

    async def _await_off(self, ups: str) -> None:
        """Outputs go off first, and then come back, so that all of them return together (D1).

        An order that was not taken is repeated: a server that is down starts only when its supply comes back.
        """
        loop = asyncio.get_running_loop()
        while self._answers_for(ups) and ups not in self._record.went_off:
            state = await look(self._client, ups)
            if state is not None and not state.on:
                self._record.went_off.add(ups)
                return
            if ups not in self._record.ordered_s:
                if not self._config.sole or self._runs_behind(ups):
                    return
                await self._orders.order_off(ups)
                await asyncio.sleep(AGAIN_S)
            elif loop.time() - self._record.ordered_s[ups] > LONGEST_OFF_S:
                return
            else:
                await asyncio.sleep(LOOK_S)
        await asyncio.sleep(AGAIN_S)  # a trap told so: what was read before it is older

    def _runs_behind(self, ups: str) -> bool:
        """Return True if a server on this UPS is on: then its output is left alone."""
        return any(not is_off(self._client, server) for server in self._topology.fed_by(ups))

    async def _output(self, ups: str) -> None:
        await self._await_off(ups)
        await bring_back(self._notes, ups, lambda: self._answers_for(ups))

    # --- disks ------------------------------------------------------------------------------------------------

    async def _start_disks(self) -> None:
        """One rank after the other; a rank that does not come back holds up those behind it."""
        disks = self.plan.linked_devices
        if not disks:
            return
        await asyncio.gather(*(self._await_off(ups) for ups in disks))
        ranks: Mapping[str, int] = {name: self._topology.management.of_ups(name).warm_up_rank for name in disks}
        for step in by_rank(disks, ranks):
            await asyncio.gather(*(self._start_disk(ups) for ups in step))
        self._notes.note("disks_ready", self.plan.cause)

    async def _start_disk(self, ups: str) -> None:
        """A disk whose own power is away starts by itself when that returns; the others are switched on here."""
        await bring_back(self._notes, ups, lambda: self._answers_for(ups))
        disks = self._disks(ups)

        def ready() -> bool:
            return all(self._client.state(disk) == "ready" for disk in disks)

        await self._client.until(lambda: ready() or not self._answers_for(ups))
        if self._answers_for(ups):
            self._notes.note("disk_ready", ups)

    # --- servers ----------------------------------------------------------------------------------------------

    async def _start_server(self, server: str) -> None:
        """Most start by themselves when their supply returns (AC-LINK, 001 section 4)."""
        if self._config.ssc is not None and server in self._config.hosts:
            await self._request_start(self._config.ssc, server)
            return
        if self._left_alone(server) or await self._shows_life(server):
            return
        if self._topology.management.of_server(server).option == "advance":
            await self._notes.attempt(self._client.command(server, "wake"))
            if await self._shows_life(server):
                return
        if not self._left_alone(server):
            self._notes.note("not_started", server, "its supply is back, and it shows no life")

    def _left_alone(self, server: str) -> bool:
        """True for a server that was off before the outage, or that is not to restart."""
        of_ups = self._topology.management.of_ups
        none = any(of_ups(ups).on_recovery == "none" for ups in self._topology.feeds(server))
        return none or server not in self._record.running

    async def _shows_life(self, server: str) -> bool:
        return await self._client.until(lambda: not is_off(self._client, server), START_S)

    async def _request_start(self, ssc: str, host: str) -> None:
        """002 section 5.4: the manager starts the host, and ends its maintenance mode once it is up."""
        while not self._left_alone(host) and not is_up(self._client, host):
            pause_s = AGAIN_S
            if is_off(self._client, host) and await self._has_supply(host):
                self._notes.note("start_request", host)
                if await self._asked(ssc, "start", host):
                    pause_s = BOOT_S
            await self._client.until(lambda: is_up(self._client, host), pause_s)
        while not self._left_alone(host):
            if await self._asked(ssc, "maintenance_off", host):
                return
            await asyncio.sleep(AGAIN_S)

    async def _has_supply(self, host: str) -> bool:
        states = [await look(self._client, ups) for ups in self._topology.feeds(host) if ups in self.plan.outputs]
        return all(state is not None and state.on for state in states)

    async def _asked(self, ssc: str, word: str, host: str) -> bool:
        try:
            await self._client.send_controller_input(ssc, word, host)
        except ApiError:
            return False
        return True
