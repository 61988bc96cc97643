"""Automation running: schedules, clients on the network, and starts (requirements 5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import is_off
from ridethrough.rigs.controllers.esmpro_ac.calendar import upcoming
from ridethrough.rigs.controllers.esmpro_ac.config import LanOff, Turn
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost
from ridethrough.rigs.controllers.esmpro_ac.intelligent import is_local
from ridethrough.rigs.controllers.outputs import look
from ridethrough.rigs.topology import plan_off

START_S = 30.0  # until a server that was woken shows any life


class Automation:
    """Switches servers on and off by schedule and by their clients."""

    def __init__(self, host: ControllerHost, zone: ZoneInfo) -> None:
        self._host = host
        self._client = host.client
        self._zone = zone
        self._config = host.config

    def begin(self) -> None:
        """Start a task for each kind of automatic running that is configured."""
        for line in self._config.schedule:
            for turn, ahead in self._by_clock(line):
                self._host.spawn(self._keep(turn, ahead), "schedule")
        if self._config.lan_off is not None:
            self._host.spawn(self._watch_clients(self._config.lan_off), "LAN")

    # --- schedules --------------------------------------------------------------------------------------------

    def _by_clock(self, turn: Turn) -> Iterator[tuple[Turn, timedelta]]:
        """Split a line by the clocks that decide, with the time by which each is ahead (001 section 11(3)).

        A start is due by the first control terminal's clock, an end by that of each server. Servers of one cluster go
        together, unless they are not synchronous (001 section 8; サーバを同期制御しない).
        """
        servers = list(turn.servers)
        if self._config.synchronous:
            clusters = self._host.topology.clusters.values()
            linked = [node for cluster in clusters if set(cluster.nodes) & set(servers) for node in cluster.nodes]
            servers += [node for node in linked if node not in servers and node in self._host.topology.members]
        plant = self._host.context.plant.servers
        deciding = {server: server if turn.do == "off" else self._host.topology.terminals[0] for server in servers}
        offsets = {server: plant[clock].clock_offset_s for server, clock in deciding.items()}
        for offset_s in dict.fromkeys(offsets.values()):
            mine = tuple(server for server in servers if offsets[server] == offset_s)
            yield turn.model_copy(update={"servers": mine}), timedelta(seconds=offset_s)

    async def _keep(self, turn: Turn, ahead: timedelta) -> None:
        """S1, S2, S3, S6: each line by itself; the disks lead a start by their Warm-UP time (D7)."""
        last_due = self._client.now() + ahead
        while (due := upcoming([turn], self._config.holidays, self._zone, last_due)) is not None:
            at = due.at - ahead
            lead = timedelta(seconds=self._lead_s(due.turn))
            await asyncio.sleep(max(0.0, (at - lead - self._client.now()).total_seconds()))
            last_due = due.at
            self._host.spawn(self._run_turn(turn, (at - self._client.now()).total_seconds()), turn.at)

    def _disks(self, servers: Sequence[str]) -> list[str]:
        topology = self._host.topology
        return [name for name in topology.linked_devices if set(topology.users_of(name)) & set(servers)]

    def _lead_s(self, turn: Turn) -> float:
        if turn.do == "off":
            return 0.0
        management = self._host.topology.management
        return max((management.of_ups(name).warm_up_s for name in self._disks(turn.servers)), default=0.0)

    async def _run_turn(self, turn: Turn, lead_s: float) -> None:
        if self._host.master is None and (turn.do == "off" or not self._config.intelligent):
            return  # only an I-UPS keeps the time of a start by itself
        if is_local(self._host):
            self._host.note("schedule_ignored", turn.at, "the I-UPS is in LOCAL")
            return
        self._host.note(f"schedule_{turn.do}", turn.at, ", ".join(turn.servers))
        if turn.do == "off":
            topology, idle = self._host.topology, self._host.idle
            self._host.begin(plan_off(topology, f"schedule {turn.at} {turn.servers[0]}", turn.servers, idle))
        else:
            await self.start(turn.servers, lead_s)

    # --- starts -----------------------------------------------------------------------------------------------

    async def start(self, servers: Sequence[str], lead_s: float = 0.0) -> None:
        """Disks first, each by its Warm-UP time before the servers; then all servers together."""
        loop = asyncio.get_running_loop()
        at = loop.time() + lead_s
        management = self._host.topology.management
        for name in sorted(self._disks(servers), key=lambda name: -management.of_ups(name).warm_up_s):
            await asyncio.sleep(at - management.of_ups(name).warm_up_s - loop.time())
            await self._switch_on(name)
        await asyncio.sleep(at - loop.time())
        await asyncio.gather(*(self._start(server) for server in servers))

    async def _switch_on(self, ups: str) -> None:
        try:
            if ups in self._host.context.plant.ups:
                state = await look(self._client, ups)
                if state is not None and state.stays_off and state.input_good:
                    await self._client.command(ups, "output.on")
            elif ups in self._host.context.plant.intelligent_ups:
                await self._client.send_input(ups, "on")
        except ApiError as error:
            self._host.note("not_started", ups, str(error))

    async def _start(self, server: str) -> None:
        """By its UPS; or, where an output is on already or there is no UPS, by a magic packet (4.5)."""
        if not is_off(self._client, server):
            return
        topology = self._host.topology
        for ups in topology.feeds(server):
            await self._switch_on(ups)
        if topology.management.of_server(server).option == "advance":
            try:
                await self._client.command(server, "wake")
            except ApiError as error:
                self._host.note("not_started", server, str(error))
                return
        if not await self._client.until(lambda: not is_off(self._client, server), START_S):
            self._host.note("not_started", server, "shows no life")

    # --- other factors ----------------------------------------------------------------------------------------

    async def _watch_clients(self, wanted: LanOff) -> None:
        """L1: servers go off when no client has worked with them for the time given."""

        def used() -> bool:
            return any(self._client.state(server, "clients") for server in wanted.servers)

        while True:
            await self._client.until(used)
            await self._client.until(lambda: not used())
            idle = not await self._client.until(used, wanted.idle_s)
            if idle and self._host.master is not None and not is_local(self._host):
                self._host.note("lan_off", wanted.servers[0])
                self._host.begin(plan_off(self._host.topology, "LAN", wanted.servers, self._host.idle))
