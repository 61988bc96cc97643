"""PowerChute plus and PowerChute Business Edition: an agent on each server of a mirror cluster (requirements 5.5)."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pydantic import Field

from ridethrough.emulators.config.base import Name, Seconds
from ridethrough.gateway.vocabulary import Condition, EventType
from ridethrough.rigs.controllers.actions import RUNNING, NoteWriter, is_up, order_shutdown
from ridethrough.rigs.controllers.base import Controller, ControllerConfig, ControllerContext
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.outputs import LOOK_S

JOB = "power-failure"
LOST, RESTORED = EventType.INPUT_LOST, EventType.INPUT_RESTORED


class PowerChuteConfig(ControllerConfig):
    """The cluster, and the UPS of each node."""

    type: Literal["powerchute"]
    name: Name = "powerchute"
    cluster: Name
    ups: dict[Name, Name] = Field(min_length=2)
    """Node to its UPS."""
    edition: Literal["plus", "business"] = "plus"
    confirm_s: Seconds = 60
    """Time on battery after which a shutdown begins."""
    off_wait_s: Literal[20, 180, 300, 600] = 180
    """UPSオフ待機時間 of the plus edition."""
    command_file_s: Seconds = 180
    """Time for default.cmd, of the business edition; at least the cluster's."""
    cluster_timeout_s: Seconds = 120
    begin: Literal["time", "runtime_limit"] = "time"
    """Of the business edition: after `confirm_s`, or ランタイム限度時: at low battery (003 section 1.9.6(6))."""
    cluster_shutdown: bool = True
    """停電時のクラスタシャットダウン of ESMPRO/AC: あり or なし (003 section 1.9.6(6))."""
    job_s: Seconds = 0
    """電源異常切断時に登録ジョブを起動する: time of the job, which has `command_file_s` (003 section 1.9.6(9))."""
    stop_registered: bool = False
    """The cluster's stop command registered directly as the shutdown command: the anti-pattern."""


class PowerChuteController(Controller[PowerChuteConfig]):
    """All agents together; each looks at its own UPS and asks the others for theirs."""

    config_class = PowerChuteConfig

    def __init__(self, config: PowerChuteConfig, context: ControllerContext, client: ControllerClient) -> None:
        servers = context.plant.servers
        addresses = {ups: servers[node].address for node, ups in config.ups.items() if node in servers}
        super().__init__(config, context, client.asking_from(addresses.get))
        self._notes = NoteWriter(self.client, self.note)
        self._events = client.events()
        self._without_input: set[str] = set()
        self._agents: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._low: set[str] = set()  # nodes whose UPS runs short
        self._ending: set[str] = client.records.setdefault(config.name, set())  # until they are down

    async def run(self) -> None:
        """Confirm each lost input by itself; a restored one ends the confirmation."""
        if self.config.edition == "plus":
            self.spawn(self._set_up(), "settings")
        nodes = {ups: node for node, ups in self.config.ups.items()}
        for ending in sorted(self._ending):
            self.spawn(self._end(ending), f"{ending} end")  # its agent was killed meanwhile
        for row in await self.client.conditions():
            if row["condition"] == Condition.INPUT and row["device"] in nodes:
                self._lose(nodes[row["device"]])
        async for event in self._events:
            node = nodes.get(event["subject"])
            if node is None:
                continue
            if event["type"] == LOST:
                self._lose(node)
            elif event["type"] == EventType.BATTERY_LOW:
                self._low.add(node)
                self.client.wake()
            elif event["type"] == EventType.BATTERY_NORMAL:
                self._low.discard(node)
            elif event["type"] == RESTORED:
                self._without_input.discard(node)
                if (agent := self._agents.pop(node, None)) is not None:
                    agent.cancel()
                self.client.wake()

    def _lose(self, node: str) -> None:
        if node not in self._without_input:
            self._without_input.add(node)
            self._agents[node] = self.spawn(self._confirm(node), node)

    async def _set_up(self) -> None:
        """The plus edition keeps its UPSオフ待機時間 in the UPSs."""
        settings = {"shutoff_delay_s": self.config.off_wait_s}
        for ups in self.config.ups.values():
            await self._notes.attempt(self.client.command(ups, "settings.write", settings=settings))

    async def _confirm(self, node: str) -> None:
        """A node that comes up while its input is still away is shut down, too."""
        if self.config.begin == "runtime_limit":
            await self.client.until(lambda: node in self._low)
        else:
            await asyncio.sleep(self.config.confirm_s)
        while True:
            await self.client.until(lambda: is_up(self.client, node) and node not in self._ending)
            # From here on nothing calls the shutdown back.
            self._ending.add(node)
            self.spawn(self._end(node), f"{node} end")

    async def _end(self, node: str) -> None:
        """M1: a server alone goes off by itself; M2, M3: the last one, or all at once, end the cluster first."""
        self.note("outage", node)
        if self._all_without_input() or self.config.stop_registered:
            await self._stop_cluster()
        await self._run_job(node)
        await self._notes.attempt(order_shutdown(self.client, node))
        self.note("shutdown", node)
        if self.config.stop_registered:
            for other in self.config.ups:  # the whole cluster goes, and nothing starts it again
                await self._notes.attempt(order_shutdown(self.client, other))
        await self._switch_off(node)
        await self.client.until(lambda: not is_up(self.client, node))
        self._ending.discard(node)
        self.client.wake()

    async def _run_job(self, node: str) -> None:
        """default.cmd runs the registered job, for as long as it has time."""
        if not self.config.job_s or not is_up(self.client, node):
            return
        await self._notes.attempt(self.client.send_input(node, "job", JOB, str(self.config.job_s)))
        if not await self.client.until(lambda: not self.client.state(node, "jobs"), self.config.command_file_s):
            self.note("job_timeout", node)

    async def _switch_off(self, node: str) -> None:
        """The output comes back whatever the mains do meanwhile (003 section 1.8.4); its agent ends with its node.

        After the registered stop command nothing restarts by itself: the output stays off.
        """
        order = "stay_off" if self.config.stop_registered else "return"
        while self.client.state(node) in RUNNING:
            if await self._notes.attempt(self.client.command(self.config.ups[node], "output.off", order=order)):
                return
            await asyncio.sleep(LOOK_S)

    def _all_without_input(self) -> bool:
        """Return True when no running node has input power."""
        return all(node in self._without_input or not is_up(self.client, node) for node in self.config.ups)

    async def _stop_cluster(self) -> None:
        if not self.config.cluster_shutdown:
            return
        cluster = self.config.cluster
        if self.client.state(cluster) == "running" and not self._stopping:
            self._stopping = True  # the agents of one cluster agree who tells it
            self.note("cluster_stop", cluster)
            await self._notes.attempt(self.client.send_input_if_running(cluster, "stop"))
        stopped = ("stopped", "offline", "waiting")
        business = self.config.edition == "business"
        limit_s = self.config.command_file_s if business else self.config.cluster_timeout_s
        if not await self.client.until(lambda: self.client.state(cluster) in stopped, limit_s):
            self.note("cluster_timeout", cluster)
        self._stopping = False

    def snapshot(self) -> dict[str, Any]:
        """Nodes whose UPS has lost its input."""
        return {"dark": sorted(self._without_input)}


CONTROLLER = PowerChuteController
