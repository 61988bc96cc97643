"""Runs built by hand: what a rig's devices showed, without a rig that runs. For tests of the invariants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ridethrough.rigs.explore.invariants import judge, rest_s
from ridethrough.rigs.explore.run import Action, Run, Violation
from ridethrough.rigs.lab.group_status import StatusRow
from ridethrough.rigs.rigfile.schema import RigFile, load_rig
from ridethrough.rigs.scenario.seen import Seen, SeenCommand, SeenEvent, SeenNote, SeenOrder, SeenState

SAMPLES = Path("rigs/samples").absolute()


@cache
def _loaded(rig: str, patch: str) -> RigFile:
    return load_rig(SAMPLES / f"{rig}.yaml", "high", json.loads(patch))


class Story:
    """The records of one run. Everything runs at 0; methods take the instant first, and return the story."""

    def __init__(self, rig: str, patch: Mapping[str, Any] | None = None) -> None:
        self.rig: RigFile = _loaded(rig, json.dumps(patch))
        self.timeline: list[Action] = []
        self.events: list[SeenEvent] = []
        self.commands: list[SeenCommand] = []
        self.orders: list[SeenOrder] = []
        self.notes: list[SeenNote] = []
        self.conditions: list[dict[str, Any]] = []
        self.table: list[StatusRow] = []
        self.failures: list[str] = []
        self.attached = False
        self._changes: list[tuple[float, str, dict[str, Any]]] = []
        for controller in self.rig.controllers:
            if controller.type == "esmpro_ac":
                self.note(0, "master", "", controller=controller.name)
        for name, mains in self.rig.mains.items():
            self.show(0, name, state="on", volts=mains.volts)
        full = {"charge_percent": 100.0, "runtime_s": 4000, "battery_low": False}
        for name in self.rig.ups:
            line = {"state": "on-line", "output": "on", "input_volts": 100.0, "fail_cause": "no_transfer"}
            self.show(0, name, **line, **full, load_percent=20.0)
        for name in self.rig.intelligent_ups:
            self.show(0, name, state="on-line", output="on", input="good", switch="auto", line_signal="on")
        for name, server in self.rig.servers.items():
            supplies = [True] * len(server.power)
            guests = {"guests": dict.fromkeys(server.guests, "running")} if server.guests else {}
            power = {"power": "on", "supplies": supplies, "cuts": 0, "ac_link": server.ac_link.value}
            self.show(0, name, state="running", **power, **guests)
            if server.bmc is not None:
                self.show(0, f"{name}.bmc", state="running", link={"state": "idle", "steps": []})
        for name in self.rig.disks:
            self.show(0, name, state="ready")
        for name, hub in self.rig.hubs.items():
            self.show(0, name, state="on", serves=list(hub.serves))
        for name, cluster in self.rig.clusters.items():
            online = dict.fromkeys(cluster.nodes, "online")
            self.show(0, name, state="running", nodes=online, groups=dict(cluster.groups), running=dict(cluster.groups))

    # --- records ------------------------------------------------------------------------------------------------

    def show(self, at_s: float, device: str, **values: Any) -> Story:
        """A device changes some values of its state."""
        self._changes.append((at_s, device, values))
        return self

    def act(self, at_s: float, words: str) -> Story:
        """An action of the timeline, without what follows from it."""
        self.timeline.append(Action(at_s, words))
        return self

    def command(self, at_s: float, device: str, command: str, state: str = "done", **params: Any) -> Story:
        self.commands.append(SeenCommand(at_s, at_s, device, command, params, state, ""))
        return self

    def order(self, at_s: float, device: str, word: str, *args: str) -> Story:
        self.orders.append(SeenOrder(at_s, device, word, args))
        return self

    def note(self, at_s: float, mark: str, subject: str = "", text: str = "", controller: str = "ac") -> Story:
        self.notes.append(SeenNote(at_s, controller, mark, subject, text))
        return self

    def event(self, at_s: float, event_type: str, subject: str, **data: Any) -> Story:
        self.events.append(SeenEvent(at_s, str(len(self.events)), event_type, subject, data))
        return self

    # --- what a plant does -----------------------------------------------------------------------------------------

    def mains_off(self, at_s: float, *names: str, said: bool = True) -> Story:
        for name in names:
            if said:
                self.act(at_s, f"{name} off")
            self.show(at_s, name, state="off", volts=0.0)
            for ups, config in self.rig.ups.items():
                if config.mains == name:
                    self.show(at_s, ups, state="on-battery", input_volts=0.0, fail_cause="blackout")
            for ups, other in self.rig.intelligent_ups.items():
                if other.mains == name:
                    self.show(at_s, ups, state="on-battery", input="lost")
        return self

    def mains_on(self, at_s: float, *names: str) -> Story:
        """The input is back; outputs that are off stay so until `output_on`."""
        for name in names:
            self.act(at_s, f"{name} on")
            self.show(at_s, name, state="on", volts=100.0)
            for ups, config in self.rig.ups.items():
                if config.mains == name:
                    self.show(at_s, ups, input_volts=100.0)
                    if self._now(at_s, ups)["output"] == "on":
                        self.show(at_s, ups, state="on-line")
            for ups, other in self.rig.intelligent_ups.items():
                if other.mains == name:
                    self.show(at_s, ups, state="on-line", input="good")
        return self

    def shut_down(self, at_s: float, *servers: str, told: bool = True) -> Story:
        """An orderly end; off after the time that the rig says."""
        for server in servers:
            if told:
                self.order(at_s, server, "shutdown")
            guests = self.rig.servers[server].guests
            late_s = max((guest.shutdown_s for guest in guests.values()), default=0)
            self.show(at_s, server, state="shutting-down")
            if guests:
                self.show(at_s + late_s, server, guests=dict.fromkeys(guests, "off"))
            self.show(at_s + late_s + self.rig.servers[server].shutdown_s, server, state="off", power="off")
        return self

    def boot(self, at_s: float, *servers: str) -> Story:
        for server in servers:
            config = self.rig.servers[server]
            self.show(at_s, server, state="booting", power="on")
            self.show(at_s + config.boot_s, server, state="running")
            if config.guests:
                late_s = max(guest.boot_s for guest in config.guests.values())
                self.show(at_s + config.boot_s + late_s, server, guests=dict.fromkeys(config.guests, "running"))
        return self

    def output_off(self, at_s: float, *upses: str, empty: bool = False) -> Story:
        """Outputs go off, and under whatever runs there."""
        for ups in upses:
            self.show(at_s, ups, state="waiting-for-power" if ups in self.rig.ups else "on-battery", output="off")
            if empty:
                self.show(at_s, ups, charge_percent=0.0)
            for server in self._on(ups):
                state = self._now(at_s, server)
                up = state["state"] in ("running", "shutting-down")
                self.show(at_s, server, state="off", power="off", supplies=[False], cuts=state["cuts"] + up)
            for disk, config in self.rig.disks.items():
                if config.power[0] == ups:
                    self.show(at_s, disk, state="off")
        return self

    def output_on(self, at_s: float, *upses: str, boots: bool = True) -> Story:
        for ups in upses:
            self.show(at_s, ups, state="on-line", output="on")
            for server in self._on(ups):
                self.show(at_s, server, supplies=[True])
                if boots:
                    self.boot(at_s, server)
            for disk, config in self.rig.disks.items():
                if config.power[0] == ups:
                    self.show(at_s, disk, state="spinning-up")
                    self.show(at_s + config.spin_up_s, disk, state="ready")
        return self

    def cluster(self, at_s: float, state: str, **nodes: str) -> Story:
        name = next(iter(self.rig.clusters))
        running = dict(self.rig.clusters[name].groups) if state == "running" else {}
        shown = self._now(at_s, name)["nodes"] | nodes
        self.show(at_s, name, state=state, nodes=shown, running=running)
        return self

    def _on(self, ups: str) -> list[str]:
        return [name for name, server in self.rig.servers.items() if ups in server.power]

    def _now(self, at_s: float, device: str) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for _, name, values in sorted((row for row in self._changes if row[0] <= at_s), key=lambda row: row[0]):
            if name == device:
                state |= values
        return state

    # --- the run ---------------------------------------------------------------------------------------------------

    def run(self, end_s: float | None = None) -> Run:
        shown: dict[str, dict[str, Any]] = {}
        states = []
        for at_s, device, values in sorted(self._changes, key=lambda row: row[0]):
            shown[device] = {**shown.get(device, {}), **values}
            states.append(SeenState(at_s, device, shown[device]))
        if end_s is None:
            end_s = max((action.at_s for action in self.timeline), default=0.0) + rest_s(self.rig)
        seen = Seen(
            sorted(self.events),
            [state for state in states if state.at_s <= end_s],
            sorted(self.commands, key=lambda item: item.at_s),
            sorted(self.orders, key=lambda item: item.at_s),
            sorted(self.notes, key=lambda item: item.at_s),
        )
        timeline = tuple(sorted(self.timeline))
        conditions, table = tuple(self.conditions), tuple(self.table)
        return Run(self.rig, timeline, seen, end_s, conditions, table, tuple(self.failures), attached=self.attached)

    def violations(self, end_s: float | None = None) -> list[Violation]:
        return judge(self.run(end_s))

    def found(self, end_s: float | None = None) -> set[tuple[str, str]]:
        return {violation.key for violation in self.violations(end_s)}
