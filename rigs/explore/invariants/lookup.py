"""Lookups over a run: who hangs on what, which outages there were, and when the gateway was deaf. Pure."""

from __future__ import annotations

from functools import cached_property
from math import inf
from typing import NamedTuple

from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_um import EsmproUmConfig
from ridethrough.rigs.controllers.powerchute import PowerChuteConfig
from ridethrough.rigs.explore.invariants.deeds import Broken, Deed, broken_of, deeds_of
from ridethrough.rigs.explore.invariants.history import History, Span, State
from ridethrough.rigs.explore.invariants.times import (
    HEARD_S,
    POLL_S,
    automation,
    powerchutes,
    rest_s,
    settings_of,
    ups_managers,
)
from ridethrough.rigs.explore.run import Run

ROUNDING_S = 0.002  # instants are whole milliseconds
DEAD_VOLTS = 80.0  # power supplies live from here on
EMPTY_PERCENT = 0.05
OFF_COMMANDS = frozenset({"output.off", "output.off_and_return", "output.reboot", "output.sleep"})
UP = ("running", "shutting-down")  # an operating system that can still act


class FeedOutage(NamedTuple):
    """An outage of one feed. Controllers may believe it until `known_end_s`; `confirmed_s` is None if too short."""

    feed: str
    span: Span
    known_end_s: float
    confirmed_s: float | None


class RunLookup:
    """One run, with the lookups over it. Names are those of the rig file."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rig = run.rig
        self.seen = run.seen
        self.topology = run.rig.topology()
        self.history = History(run.seen.states, run.end_s)
        self.deeds: list[Deed] = deeds_of(run.timeline)
        self.broken: list[Broken] = broken_of(self.deeds)
        self.settled_s = max((deed.at_s for deed in self.deeds), default=0.0)
        """The instant of the last action."""
        self.automation: EsmproAcConfig = automation(run.rig)
        self._outages: dict[str, list[FeedOutage]] = {}

    @cached_property
    def rested(self) -> bool:
        """True if everything that returns has had its time since the last action."""
        return self.run.end_s - self.settled_s >= rest_s(self.rig) - ROUNDING_S

    # --- who hangs on what ------------------------------------------------------------------------------------

    def feeds(self, server: str) -> list[str]:
        """Return the UPSs and mains of a server's power supplies."""
        return self.topology.feeds(server)

    def is_ups(self, feed: str) -> bool:
        """Return True for a UPS of any kind, False for mains."""
        return feed in self.rig.ups or feed in self.rig.intelligent_ups

    def servers_on(self, feed: str) -> list[str]:
        """Return all servers with a power supply on a feed, those of no group, too."""
        return [server for server in self.rig.servers if feed in self.feeds(server)]

    def cluster_of(self, server: str) -> str | None:
        """Return the cluster of a server; None outside all clusters."""
        return self.topology.cluster_of(server)

    def linked_devices_of(self, server: str) -> list[str]:
        """Return the linked devices whose users include a server."""
        return [name for name in self.topology.linked_devices if server in self.topology.users_of(name)]

    def disks_of(self, server: str) -> list[str]:
        """Return the shared disks of a server: its cluster's, and those on the linked devices that it uses."""
        cluster = self.cluster_of(server)
        own = self.rig.clusters[cluster].disks if cluster is not None else ()
        linked = self.linked_devices_of(server)
        return [name for name, disk in self.rig.disks.items() if name in own or set(feeds_of(disk.power)) & set(linked)]

    def disk_feeds(self, disk: str) -> list[str]:
        """Return the feeds of a disk."""
        return feeds_of(self.rig.disks[disk].power)

    def shared_feeds(self, server: str) -> list[str]:
        """Return the feeds that a server needs beside its own: linked devices, their companions, its disks' only feeds.

        A disk with two feeds needs one of them (003 section 1.8.1).
        """
        linked = self.linked_devices_of(server)
        companions = [name for device in linked for name in self.topology.companions_of(device)]
        disks = [self.disk_feeds(disk) for disk in self.disks_of(server)]
        only = [feeds[0] for feeds in disks if len(feeds) == 1]
        return list(dict.fromkeys((*linked, *companions, *only)))

    def users_of(self, ups: str) -> list[str]:
        """Return the servers that need the output of a UPS, for themselves or for a disk."""
        return [name for name in self.rig.servers if ups in (*self.feeds(name), *self.shared_feeds(name))]

    def hubs_of(self, device: str) -> list[str]:
        """Return the hubs through which the gateway reaches a device."""
        return [name for name, hub in self.rig.hubs.items() if device in hub.serves]

    def is_managed(self, server: str) -> bool:
        """Return True when somebody ends this server in an outage: a stand-in, or the program under test."""
        if self.run.attached:
            return any(self.is_ups(feed) for feed in self.feeds(server))
        if any(isinstance(controller, EsmproAcConfig) for controller in self.rig.controllers):
            # A service that does not start (001 section 11(8)) never has a master.
            works = self.automation.managed and any(note.mark == "master" for note in self.seen.notes)
            return works and server in self.topology.members
        if any(server in agent.ups for agent in powerchutes(self.rig)):
            return True
        return any(server in (agent.server, *agent.others) for agent in ups_managers(self.rig))

    @cached_property
    def controllers(self) -> frozenset[str]:
        """Names of all controllers."""
        return frozenset(controller.name for controller in self.rig.controllers)

    @cached_property
    def actors(self) -> frozenset[str]:
        """Names of the controllers that act on outages."""
        acting = (EsmproAcConfig, EsmproUmConfig, PowerChuteConfig)
        return frozenset(controller.name for controller in self.rig.controllers if isinstance(controller, acting))

    # --- states -----------------------------------------------------------------------------------------------

    def runs(self, server: str, at_s: float) -> bool:
        """Return True when the operating system of a server ran just before an instant."""
        return self.history.before(server, at_s).get("state") == "running"

    def works(self, server: str, at_s: float) -> bool:
        """Return True when a server ran just before an instant, and did not wait for its cluster's disks."""
        cluster = self.cluster_of(server)
        nodes = self.history.before(cluster, at_s).get("nodes", {}) if cluster is not None else {}
        return self.runs(server, at_s) and nodes.get(server) != "waiting"

    def came_up_s(self, server: str, until_s: float = inf) -> float:
        """Return when a server came up last; minus infinity when it has run all the time."""
        return self.history.since_s(server, "running", until_s=until_s)

    def lacked_disk(self, server: str, until_s: float) -> bool:
        """Return True when one of its disks was not ready as it came up last: it waits (003 section 1.7.5.2(B))."""
        came_up_s = self.came_up_s(server, until_s)
        disks = self.disks_of(server)
        return came_up_s > -inf and any(self.history.at(disk, came_up_s).get("state") != "ready" for disk in disks)

    def went_down_s(self, server: str, until_s: float = inf) -> float:
        """Return when a server last ceased to run; minus infinity when it never did."""
        changes = self.history.changes(server)
        times = [change.at_s for change in changes if change.before == "running" and change.at_s <= until_s]
        return max(times, default=-inf)

    def waits_for_disk(self, server: str, until_s: float) -> bool:
        """Return True when it, or a node of its cluster, came up without its disks and has to start once more."""
        cluster = self.cluster_of(server)
        nodes = self.rig.clusters[cluster].nodes if cluster is not None else (server,)
        return any(self.lacked_disk(node, until_s) for node in nodes)

    def line_is_bad(self, feed: str, state: State) -> bool:
        """Return True when a UPS, or mains, in this state has no input that could feed anything."""
        if feed in self.rig.mains:
            return float(state.get("volts", 0)) < DEAD_VOLTS
        if feed in self.rig.intelligent_ups:
            return state.get("input") == "lost"
        if state.get("state") == "on-battery":
            return state.get("fail_cause") != "self_test"
        if state.get("output") != "off" and state.get("state") != "unknown":
            return False
        low_v, high_v = settings_of(self.rig, feed).transfer_window_volts
        return not low_v <= float(state.get("input_volts", 0)) <= high_v

    def has_good_line(self, feed: str) -> bool:
        """Return True when a feed has its input at the end of the run."""
        return not self.line_is_bad(feed, self.history.last(feed))

    # --- outages, and what was heard of them --------------------------------------------------------------------

    def deaf(self, device: str) -> list[Span]:
        """Return when the gateway could not hear a device, or did not run."""
        spans = [item.span for item in self.broken if item.deafens and item.place in (device, "gateway")]
        if device in self.rig.ups and not self.rig.ups[device].configured:
            spans.append(Span(0.0, inf))  # a card before its first set-up is not on the LAN
        spans += [span for hub in self.hubs_of(device) for span in self.history.spans(hub, _is_off)]
        return sorted(spans)

    def outages(self, feed: str) -> list[FeedOutage]:
        """Return the outages of a feed, in order of time."""
        if feed not in self._outages:
            spans = self.history.spans(feed, lambda state: self.line_is_bad(feed, state))
            self._outages[feed] = [self._outage(feed, span) for span in spans]
        return self._outages[feed]

    def confirm_s(self, feed: str) -> float:
        """Return how long an outage must last before anybody acts on it."""
        if feed not in self.rig.ups:
            return min((own.confirm_s for own in self.automation.intelligent if own.ups == feed), default=0.0)
        agents = [
            0.0 if agent.begin == "runtime_limit" else agent.confirm_s
            for agent in powerchutes(self.rig)
            if feed in agent.ups.values()
        ]
        return min(self.rig.ups[feed].confirm_s, *agents, inf)

    def _outage(self, feed: str, span: Span) -> FeedOutage:
        known_end_s = span.end_s + self.run.slack_s + (HEARD_S if self._sends_traps(feed) else POLL_S)
        for deaf in self.deaf(feed):
            if deaf.overlaps(span.begin_s, known_end_s):
                known_end_s = max(known_end_s, deaf.end_s + 3 * POLL_S)
        confirmed_s = span.begin_s + self.confirm_s(feed)
        return FeedOutage(feed, span, known_end_s, confirmed_s if known_end_s - HEARD_S >= confirmed_s else None)

    def _sends_traps(self, feed: str) -> bool:
        """Return True when the gateway hears of an outage at once."""
        return feed not in self.rig.ups or self.rig.ups[feed].traps is None

    def was_lost(self, feed: str, begin_s: float, end_s: float) -> bool:
        """Return True when a feed was without input at some instant of a stretch, as far as anybody knew."""
        return any(Span(one.span.begin_s, one.known_end_s).overlaps(begin_s, end_s) for one in self.outages(feed))

    def is_exhausted(self, ups: str, at_s: float) -> bool:
        """Return True when the battery of a UPS, and nobody's order, ended its output at this instant."""
        if ups in self.rig.intelligent_ups:
            hold_s = self.rig.intelligent_ups[ups].hold_s
            return any(span.begin_s + hold_s <= at_s + ROUNDING_S for span in self._lost_at(ups, at_s))
        return float(self.history.at(ups, at_s).get("charge_percent", 100)) <= EMPTY_PERCENT

    def _lost_at(self, feed: str, at_s: float) -> list[Span]:
        spans = [one.span for one in self.outages(feed)]
        return [span for span in spans if span.begin_s <= at_s <= span.end_s]


def feeds_of(power: tuple[str, ...]) -> list[str]:
    """Return the feeds of power inlets, without their outlet groups, each once."""
    return list(dict.fromkeys(feed.partition("/")[0] for feed in power))


def _is_off(state: State) -> bool:
    return state.get("state") == "off"
