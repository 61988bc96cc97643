"""The start after a plan: disks in the order of their ranks, then the servers (requirements 5.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ridethrough.rigs.controllers.actions import NoteWriter, input_is_good, is_up, output_is_off
from ridethrough.rigs.controllers.esmpro_ac.rules import by_rank
from ridethrough.rigs.topology import ShutdownPlan, Topology

LOOK_S = 2.0
LONGEST_OFF_S = 1200.0  # from the orders to the last output that goes off


class StartupSequence:
    """Starts what one plan has switched off. It may be begun anew, by another terminal, at any point."""

    def __init__(
        self, notes: NoteWriter, topology: Topology, plan: ShutdownPlan, disks: Callable[[str], list[str]]
    ) -> None:
        """`disks` returns the disks that a linked device feeds."""
        self._notes = notes
        self._client = notes.client
        self._topology = topology
        self.plan = plan
        self._disks = disks

    async def run(self, own: list[str]) -> None:
        """Start or restart all servers; `own` are those of the controller, which go last."""
        plan = self.plan
        waited = plan.linked_devices if plan.returns else plan.outputs
        await asyncio.gather(*(self._await_off(ups) for ups in waited))
        ranks = {name: self._topology.management.of_ups(name).warm_up_rank for name in plan.linked_devices}
        for step in by_rank(plan.linked_devices, ranks):
            await asyncio.gather(*(self._start_disk(ups) for ups in step))
        self._notes.note("disks_ready", plan.cause)
        if plan.returns:
            await self._reboot([server for server in plan.servers if server not in own])
            await self._reboot(own)
        else:
            for ups in plan.outputs:
                if ups not in plan.linked_devices:
                    await self._switch_on(ups)

    async def _poll(self, holds: Callable[[], Awaitable[bool]], limit_s: float | None = None) -> None:
        """Poll until `holds` returns True or `limit_s` is over."""
        loop = asyncio.get_running_loop()
        end = None if limit_s is None else loop.time() + limit_s
        while not await holds() and (end is None or loop.time() < end):  # noqa: ASYNC110  # the card sends no notification of it
            await asyncio.sleep(LOOK_S)

    async def _await_off(self, ups: str) -> None:
        await self._poll(lambda: output_is_off(self._client, ups), LONGEST_OFF_S)

    async def _start_disk(self, ups: str) -> None:
        """A disk whose own power is away starts by itself when that returns; the others are switched on here."""
        if await input_is_good(self._client, ups):
            await self._switch_on(ups)
        await self._poll(lambda: self._fed(ups))
        for disk in self._disks(ups):
            await self._client.until(lambda disk=disk: self._client.state(disk) == "ready")  # type: ignore[misc]
        self._notes.note("disk_ready", ups)

    async def _fed(self, ups: str) -> bool:
        return await input_is_good(self._client, ups) and not await output_is_off(self._client, ups)

    async def _switch_on(self, ups: str) -> None:
        if await input_is_good(self._client, ups) and await output_is_off(self._client, ups):
            await self._notes.attempt(self._client.command(ups, "output.on"))

    async def _reboot(self, servers: list[str]) -> None:
        """D3, D4: servers that came up without their disks restart."""
        for server in servers:
            if is_up(self._client, server):
                await self._notes.attempt(self._client.send_input_if_running(server, "reboot"))
