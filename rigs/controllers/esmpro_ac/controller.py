"""The controller: election of the master, handling of events, and the plans under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from ridethrough.gateway.vocabulary import Condition, EventType
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import RUNNING, NoteWriter, is_off, is_up
from ridethrough.rigs.controllers.base import Act, Controller, ControllerContext, InputRefused
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.controllers.esmpro_ac.automation import Automation
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.gui import Gui
from ridethrough.rigs.controllers.esmpro_ac.intelligent import IntelligentUpses
from ridethrough.rigs.controllers.esmpro_ac.manager import ClusterManager
from ridethrough.rigs.controllers.esmpro_ac.record import PlanRecord, TerminalRecords
from ridethrough.rigs.controllers.esmpro_ac.rules import elect, unfit_names
from ridethrough.rigs.controllers.esmpro_ac.settings import UpsSettingsDialog
from ridethrough.rigs.controllers.esmpro_ac.shutdown import ShutdownSequence
from ridethrough.rigs.controllers.esmpro_ac.startup import StartupSequence
from ridethrough.rigs.controllers.esmpro_ac.statistics import Statistics
from ridethrough.rigs.controllers.esmpro_ac.waiting import WaitingNodes
from ridethrough.rigs.controllers.outputs import AGAIN_S
from ridethrough.rigs.topology import ShutdownPlan, joined, plan_off, plan_outage

CONFIRMED, CLEARED = EventType.OUTAGE_CONFIRMED, EventType.OUTAGE_CLEARED
SILENT, HEARD = EventType.COMMUNICATION_LOST, EventType.COMMUNICATION_RESTORED
WENT_OFF = (EventType.OUTPUT_OFF, EventType.OUTPUT_REBOOTING)


class EsmproAcController(Controller[EsmproAcConfig]):
    """Stands for the terminals of a rig, which share their knowledge: the master passes it on."""

    config_class = EsmproAcConfig

    def __init__(self, config: EsmproAcConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client.asking_from(self._source_for))
        self.topology = context.topology
        self.notes = NoteWriter(self.client, self.note)
        self._records: TerminalRecords = client.records.setdefault(config.name, TerminalRecords())
        self._events = client.events()
        self._outages: set[str] = set()  # confirmed, and not over
        self._unanswered: set[str] = set()  # of them, those that are still to be looked at
        self._handled = self._records.handled
        self._plans = self._records.plans
        self._startups = self._records.startups
        self._working: dict[str, asyncio.Task[None]] = {}
        intervals_s = {name: self.topology.policy_of(name).statistics_s for name in context.plant.ups}
        self._statistics = Statistics(self.notes, intervals_s, config)
        self._automation = Automation(self, ZoneInfo(config.timezone))
        self._interfaces = IntelligentUpses(self, self._automation.start)
        self._manager = ClusterManager(self)
        self._waiting = WaitingNodes(self)
        self._settings = UpsSettingsDialog(self)
        self._gui = Gui(self)

    async def run(self) -> None:
        """Start the tasks beside, then follow the events."""
        if unfit := unfit_names(self.topology.clusters):
            # 001 section 11(8): the service ends with an error, and nothing is managed.
            self.note("service_error", unfit[0], "the service does not start: names of clusters, servers and groups")
            return
        for cluster in self.topology.clusters:
            if not self.linked(cluster):
                self.note("not_linked", cluster, "clpacmode is disabled")
        self.spawn(self._run_election(), "election")
        self.spawn(self._watch_outages(), "outages")
        self.spawn(self._statistics.run(lambda: self.master is not None), "statistics")
        self._automation.begin()
        self._interfaces.begin()
        self._manager.begin()
        self._waiting.begin()
        async for event in self._events:
            self._handle_event(event)

    def _source_for(self, device: str) -> str | None:
        """Return the address of the terminal that acts, by which the cards know it (003 section 1.7.4.1)."""
        plant = self.context.plant
        return plant.servers[self.master].address if device in plant.ups and self.master is not None else None

    @property
    def master(self) -> str | None:
        """The terminal that acts now; None while none is up."""
        return self._records.master

    # --- who is master ----------------------------------------------------------------------------------------

    def _alive(self, terminal: str) -> bool:
        return self.client.state(terminal) in RUNNING

    def _elected(self) -> str | None:
        return elect(self.topology.terminals, self._alive, self.master)

    async def _run_election(self) -> None:
        if self.master is not None and self._alive(self.master):
            await self._take_over(at_once=True)  # the service was killed, and its terminal was not
        while True:
            await self.client.until(lambda: self._elected() != self.master)
            before, self._records.master = self.master, self._elected()
            if before is not None:
                self._abandon_plans(before)
            if self.master is not None:
                self.note("master", self.master)
                await self._take_over(at_once=before is not None)

    def _abandon_plans(self, terminal: str) -> None:
        """Cancel the plans of a terminal that is down; the orders it has not given are lost."""
        for task in self._working.values():
            task.cancel()
        self._working.clear()
        self.note("master_lost", terminal, f"unfinished: {', '.join(self._plans) or 'nothing'}")

    async def _take_over(self, *, at_once: bool) -> None:
        """Continue the plans of the previous master, restore what it ended, and handle outages that it had not.

        `at_once` when another terminal was master until now. After a time without any, a power-off that somebody wanted
        then is forgotten, and an outage that is over is only recovered from.
        """
        conditions = await self._conditions()
        without_input = {row["device"] for row in conditions if row["condition"] == Condition.INPUT}
        for cause, record in list(self._plans.items()):
            if cause in self._working:
                continue
            if at_once or cause in without_input:
                self._start_shutdown(record)
            else:
                del self._plans[cause]
                self._restore(record)
        for label in [label for label in self._startups if label not in self._working]:
            self._start_startup(label)
        if self.config.managed:
            self._outages |= {row["device"] for row in conditions if row["condition"] == Condition.OUTAGE}
        self._unanswered |= self._outages
        self.client.wake()

    async def _conditions(self) -> list[dict[str, Any]]:
        """Return the open conditions; asks until the gateway answers."""
        while True:
            try:
                return await self.client.conditions()
            except ApiError as error:
                self.note("failed", "", str(error))
                await asyncio.sleep(AGAIN_S)

    # --- outages ----------------------------------------------------------------------------------------------

    def _handle_event(self, event: dict[str, Any]) -> None:
        subject, data = event["subject"], event["data"]
        if event["type"] == CONFIRMED or (event["type"] == SILENT and data.get("policy") == "shutdown"):
            if self.config.managed:
                self.outage(subject, over=False)
        elif event["type"] in (CLEARED, HEARD):
            self.outage(subject, over=True)
        elif event["type"] in WENT_OFF:
            for record in (*self._plans.values(), *self._startups.values()):
                if subject in record.ordered_s:
                    record.went_off.add(subject)
        elif event["type"] == EventType.BATTERY_TEMPERATURE:
            self.note("alarm", subject, event["data"]["text"])

    def outage(self, ups: str, *, over: bool) -> None:
        """An outage of a UPS is confirmed, or it is over."""
        for known in (self._outages, self._unanswered):
            (known.discard if over else known.add)(ups)
        if over:
            self._handled.discard(ups)
        self.client.wake()

    def came_up(self, server: str) -> None:
        """An outage that still lasts concerns a server that has come up meanwhile."""
        self._unanswered |= self._outages
        self.client.wake()

    async def _watch_outages(self) -> None:
        """Wait `gather_s` after an outage, then make one plan of all that are confirmed meanwhile."""
        while True:
            await self.client.until(lambda: self.master is not None and bool(self._unanswered))
            await asyncio.sleep(self.config.gather_s)
            conditions = await self._conditions()
            without_input = {row["device"] for row in conditions if row["condition"] == Condition.INPUT}
            without_input |= self._interfaces.without_input
            due, self._unanswered = sorted(self._unanswered - self._handled), set()
            if self.master is None:
                continue  # whoever takes over looks at all of them
            plans = [plan_outage(self.topology, ups, without_input) for ups in due]
            needed = [plan for plan in plans if self._concerned(plan) - self.busy]
            self._handled |= {ups for plan in needed for ups in plan.linked_devices} & self._outages
            if needed:
                self.begin(joined(needed))

    def _concerned(self, plan: ShutdownPlan) -> set[str]:
        """Return servers of a plan that run and would lose something: not those that wait for the disk anyway."""
        up = {server for server in plan.servers if is_up(self.client, server)}
        if not plan.linked_devices:
            return up
        return {server for server in up if not self._waits(server)}

    def _waits(self, server: str) -> bool:
        cluster = self.topology.cluster_of(server)
        return cluster is not None and (self.client.state(cluster, "nodes") or {}).get(server) == "waiting"

    def linked(self, cluster: str) -> bool:
        """Return whether `clpacmode enable` was run on every node (001 section 7.1)."""
        return not self.context.unlinked & set(self.topology.clusters[cluster].nodes)

    @property
    def busy(self) -> set[str]:
        """Servers of the plans under way."""
        return {server for record in self._plans.values() for server in record.plan.servers}

    @property
    def idle(self) -> list[str]:
        """Servers of the tree that are off."""
        return [server for server in self.topology.members if is_off(self.client, server)]

    def own(self, plan: ShutdownPlan) -> list[str]:
        """Return those servers of a plan that are control terminals."""
        return [server for server in plan.servers if server in self.topology.terminals]

    # --- plans ------------------------------------------------------------------------------------------------

    def begin(self, plan: ShutdownPlan) -> None:
        """Start a plan; one of the same cause that is under way goes on instead."""
        if plan.cause in self._plans:
            return  # asked for twice
        record = PlanRecord(plan, [server for server in plan.servers if not is_off(self.client, server)])
        for earlier in self._startups.values():
            earlier.yields_to(record)
        self._plans[plan.cause] = record
        self._start_shutdown(record)

    def _start_shutdown(self, record: PlanRecord) -> None:
        self._spawn_as_master(record.plan.cause, self._run_shutdown(record))

    async def _run_shutdown(self, record: PlanRecord) -> None:
        plan = record.plan
        await ShutdownSequence(self.notes, self.config, self.topology, record, self.own(plan), self.linked).run()
        del self._plans[plan.cause]
        self.note("plan_done", plan.cause)
        await self._interfaces.ended(plan)
        self._restore(record)
        self._unanswered |= self._outages  # servers that came up, or did not go down, while it was under way

    def _restore(self, record: PlanRecord) -> None:
        """Begin the way back of a plan that has one."""
        if not record.plan.restores:
            return
        label = f"return {record.plan.cause}"
        while label in self._startups:
            label += " again"
        self._startups[label] = record
        self._start_startup(label)

    def _start_startup(self, label: str) -> None:
        self._spawn_as_master(label, self._run_startup(label))

    async def _run_startup(self, label: str) -> None:
        await StartupSequence(self.notes, self.config, self.topology, self._startups[label], self.disks_of).run()
        del self._startups[label]

    def disks_of(self, ups: str) -> list[str]:
        """Return the disks that a UPS feeds."""
        disks = self.context.plant.disks.items()
        return [name for name, disk in disks if ups in [feed.partition("/")[0] for feed in disk.power]]

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
            "returns": [record.plan.cause for record in self._startups.values()],
            "statistics": self._statistics.row(),
            "settings": self._settings.row(),
            "gui": self._gui.row(),
        }
