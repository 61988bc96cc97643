"""The controller: election of the master, handling of events, and the plans under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from ridethrough.gateway.vocabulary import EventType
from ridethrough.rigs.controllers.actions import NoteWriter, is_off, is_up
from ridethrough.rigs.controllers.base import Act, Controller, ControllerContext, InputRefused
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.esmpro_ac.automation import Automation
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.gui import Gui
from ridethrough.rigs.controllers.esmpro_ac.manager import ClusterManager
from ridethrough.rigs.controllers.esmpro_ac.rules import RUNNING, elect
from ridethrough.rigs.controllers.esmpro_ac.settings import UpsSettingsDialog
from ridethrough.rigs.controllers.esmpro_ac.shutdown import ShutdownSequence
from ridethrough.rigs.controllers.esmpro_ac.startup import StartupSequence
from ridethrough.rigs.controllers.esmpro_ac.statistics import Statistics
from ridethrough.rigs.topology import ShutdownPlan, joined, plan_off, plan_outage

CONFIRMED, CLEARED = EventType.OUTAGE_CONFIRMED, EventType.OUTAGE_CLEARED
SILENT = EventType.COMMUNICATION_LOST


class EsmproAcController(Controller[EsmproAcConfig]):
    """Stands for the terminals of a rig, which share their knowledge: the master passes it on."""

    config_class = EsmproAcConfig

    def __init__(self, config: EsmproAcConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client.asking_from(self._source_for))
        self.topology = context.topology
        self.notes = NoteWriter(self.client, self.note)
        self.master: str | None = None
        self._events = client.events()
        self._handled: set[str] = set()  # outages that have been dealt with, until they end
        self._ungathered: set[str] = set()
        self._plans: dict[str, ShutdownPlan] = {}  # under way, or cut off with their terminal
        self._startups: dict[str, ShutdownPlan] = {}
        self._ended: set[str] = set()  # servers that a plan has ended, until they run again
        self._working: dict[str, asyncio.Task[None]] = {}
        intervals_s = {name: self.topology.policy_of(name).statistics_s for name in context.plant.ups}
        self._statistics = Statistics(self.notes, intervals_s, config)
        self._automation = Automation(self, ZoneInfo(config.timezone))
        self._manager = ClusterManager(self)
        self._settings = UpsSettingsDialog(self)
        self._gui = Gui(self)

    async def run(self) -> None:
        """Start the tasks beside, then follow the events."""
        self.spawn(self._run_election(), "election")
        self.spawn(self._statistics.run(lambda: self.master is not None), "statistics")
        self._automation.begin()
        self._manager.begin()
        async for event in self._events:
            self._handle_event(event)

    def _source_for(self, device: str) -> str | None:
        """Return the address of the terminal that acts, by which the cards know it (003 section 1.7.4.1)."""
        plant = self.context.plant
        return plant.servers[self.master].address if device in plant.ups and self.master is not None else None

    # --- who is master ----------------------------------------------------------------------------------------

    def _alive(self, terminal: str) -> bool:
        return self.client.state(terminal) in RUNNING

    def _elected(self) -> str | None:
        return elect(self.topology.terminals, self._alive, self.master)

    async def _run_election(self) -> None:
        while True:
            await self.client.until(lambda: self._elected() != self.master)
            before, self.master = self.master, self._elected()
            if before is not None:
                self._abandon_plans(before)
            if self.master is not None:
                self.note("master", self.master)
                await self._take_over()

    def _abandon_plans(self, terminal: str) -> None:
        """Cancel the plans of a terminal that is down; the orders it has not given are lost."""
        for task in self._working.values():
            task.cancel()
        self._working.clear()
        self.note("master_lost", terminal, f"unfinished: {', '.join(self._plans) or 'nothing'}")

    async def _take_over(self) -> None:
        """Continue the plans of the previous master, and handle outages that it had not."""
        left = {cause: plan for cause, plan in self._plans.items() if cause not in self._working}
        conditions = await self.client.conditions()
        without_input = {row["device"] for row in conditions if row["condition"] == "input"}
        confirmed = {row["device"] for row in conditions if row["condition"] == "outage"}
        for cause, plan in left.items():
            if cause in without_input:
                self._start_shutdown(plan)
            else:
                del self._plans[cause]
        for cause, plan in self._startups.items():
            self._spawn_as_master(f"return {cause}", self._run_startup(plan))
        for device in sorted(confirmed - self._handled - set(self._plans)):
            self._confirmed(device)
        self._manager.take_over()

    # --- outages ----------------------------------------------------------------------------------------------

    def _handle_event(self, event: dict[str, Any]) -> None:
        subject, data = event["subject"], event["data"]
        if event["type"] == CONFIRMED or (event["type"] == SILENT and data.get("policy") == "shutdown"):
            self._confirmed(subject)
        elif event["type"] == CLEARED:
            self._handled.discard(subject)
        elif event["type"].startswith(EventType.BATTERY_TEMPERATURE):
            self.note("alarm", subject, event["data"]["text"])

    def _confirmed(self, ups: str) -> None:
        if self.master is None or ups in self._handled or ups in self._plans:
            return
        self._ungathered.add(ups)
        self._spawn_as_master("gather", self._gather())

    async def _gather(self) -> None:
        """Wait `gather_s`, then make one plan of all outages confirmed meanwhile."""
        await asyncio.sleep(self.config.gather_s)
        due, self._ungathered = sorted(self._ungathered), set()
        without_input = {row["device"] for row in await self.client.conditions() if row["condition"] == "input"}
        self._handled.update(due)
        plans = [plan_outage(self.topology, ups, without_input) for ups in due]
        needed = [plan for plan in plans if set(plan.servers) - self.busy - self._still_ended()]
        if needed:
            self.begin(joined(needed))

    @property
    def busy(self) -> set[str]:
        """Servers of the plans under way."""
        return {server for plan in self._plans.values() for server in plan.servers}

    def _still_ended(self) -> set[str]:
        """Return servers that a plan has shut down and that do not run again."""
        self._ended = {server for server in self._ended if not is_up(self.client, server)}
        return self._ended

    @property
    def idle(self) -> list[str]:
        """Servers of the tree that are off."""
        return [server for server in self.topology.members if is_off(self.client, server)]

    def own(self, plan: ShutdownPlan) -> list[str]:
        """Return those servers of a plan that are control terminals."""
        return [server for server in plan.servers if server in self.topology.terminals]

    def begin(self, plan: ShutdownPlan) -> None:
        """Start a plan; one of the same cause that is under way goes on instead."""
        if plan.cause in self._working:
            return  # asked for twice
        self._plans[plan.cause] = plan
        self._start_shutdown(plan)

    def _start_shutdown(self, plan: ShutdownPlan) -> None:
        self._spawn_as_master(plan.cause, self._run_shutdown(plan))

    async def _run_shutdown(self, plan: ShutdownPlan) -> None:
        await ShutdownSequence(self.notes, self.config, self.topology, plan, self.own(plan)).run()
        del self._plans[plan.cause]
        self._ended |= set(plan.servers)
        self.note("plan_done", plan.cause)
        await self._automation.ended(plan)
        if plan.linked_devices and plan.cause in self.topology.linked_devices:
            self._startups[plan.cause] = plan
            self._spawn_as_master(f"return {plan.cause}", self._run_startup(plan))

    async def _run_startup(self, plan: ShutdownPlan) -> None:
        await StartupSequence(self.notes, self.topology, plan, self.disks_of).run(self.own(plan))
        del self._startups[plan.cause]

    def disks_of(self, ups: str) -> list[str]:
        """Return the disks that a UPS feeds."""
        return [name for name, disk in self.context.plant.disks.items() if disk.power[0].partition("/")[0] == ups]

    def _spawn_as_master(self, name: str, work: Any) -> None:
        """Spawn a task that is cancelled when the master goes down."""
        task = self.spawn(work, name)
        self._working[name] = task
        task.add_done_callback(lambda done: self._working.pop(name, None) if self._working.get(name) is done else None)

    # --- people and applications ------------------------------------------------------------------------------

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """`power_off` and `power_on` of the power-off API; what the management console does with UPSs."""
        return {
            "power_off": ("end the servers named, or all linked ones, in order (power-off API)", self._power_off),
            "power_on": ("start the servers named, or all linked ones", self._power_on),
            **self._settings.inputs(),
        }

    def _servers(self, args: list[str]) -> list[str]:
        if self.master is None:
            raise InputRefused("no control terminal runs")
        for server in args:
            if server not in self.topology.members:
                raise InputRefused(f"there is no {server!r}; accepted: {', '.join(self.topology.members)}")
        return args or self.topology.linked or self.topology.members

    async def _power_off(self, args: list[str]) -> None:
        self.begin(plan_off(self.topology, "api", self._servers(args), self.idle))

    async def _power_on(self, args: list[str]) -> None:
        self.spawn(self._automation.start(self._servers(args)), "start")

    def snapshot(self) -> dict[str, Any]:
        """Master, terminals, plans under way, starts that wait, and what GUI and management console show."""
        return {
            "master": self.master,
            "terminals": list(self.topology.terminals),
            "plans": list(self._plans),
            "returns": list(self._startups),
            "statistics": self._statistics.row(),
            "settings": self._settings.row(),
            "gui": self._gui.row(),
        }
