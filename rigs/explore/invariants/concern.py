"""The reasons for which a server, a cluster or an output may be ended, and until when they hold. Pure.

Everything else is healthy and not concerned, and nobody may touch it (001 section 9.1, 003 section 1.8.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, get_args

from ridethrough.rigs.controllers.server_agent import EventId, ServerAgentConfig
from ridethrough.rigs.explore.invariants.deeds import Deed
from ridethrough.rigs.explore.invariants.lookup import ROUNDING_S, FeedOutage, RunLookup
from ridethrough.rigs.explore.invariants.times import LINK_S, POLL_S, off_delay_s, plan_s, powerchutes, ups_managers
from ridethrough.rigs.scenario.seen import SeenNote

OF_SERVERS = frozenset({"shutdown", "power_button", "reboot", "hang"})
OF_CLUSTERS = frozenset({"stop", "shutdown", "reboot", "shutdown_node", "hang"})
OF_CONTROLLERS = frozenset({"power_off", "shutdown"})
OF_UPS = frozenset({"button_off", "button_on", "charge", "packs", "age", "trouble", "bypass", "battery_bad"})
OF_INTELLIGENT_UPS = frozenset({"off", "on", "switch", "line", "call"})
NOTED = {"schedule_off": "a schedule", "lan_off": "the clients on the LAN", "interface_off": "the line's signal"}
"""Marks of the notes that say why servers were switched off."""


class Concern(NamedTuple):
    """A reason. Whoever came up again after `known_end_s` is concerned no more."""

    begin_s: float
    known_end_s: float
    latest_s: float
    why: str

    def holds(self, at_s: float, came_up_s: float) -> bool:
        """Return True when this is a reason for what happened at an instant to something that came up then."""
        return self.begin_s - ROUNDING_S <= at_s <= self.latest_s and came_up_s <= self.known_end_s + ROUNDING_S

    def later(self, seconds: float) -> Concern:
        """Return the same reason for what follows so many seconds later."""
        return self._replace(latest_s=self.latest_s + seconds)


class Concerns:
    """The reasons in one run."""

    def __init__(self, lookup: RunLookup) -> None:
        self._look = lookup
        self._plan_s = plan_s(lookup.rig)

    def of_server(self, server: str) -> list[Concern]:
        """Return every reason for which a server may be shut down or restarted."""
        cluster = self._look.cluster_of(server)
        return [
            *self._of_own_feeds(server),
            *self._of_shared_feeds(server),
            *self._of_agents(server),
            *(self.of_cluster(cluster) if cluster is not None else ()),
            *self._of_deeds(server),
            *self._of_notes(server),
        ]

    def of_cluster(self, cluster: str) -> list[Concern]:
        """Return every reason for which a cluster may be stopped as a whole."""
        nodes = self._look.rig.clusters[cluster].nodes
        return [
            *(reason for node in nodes for reason in self._of_shared_feeds(node)),
            *self._of_all_nodes(nodes),
            *(self._acts(deed) for deed in self._look.deeds if deed.place == cluster and deed.word in OF_CLUSTERS),
            *(reason for node in nodes for reason in (*self._of_power_off(node), *self._of_bmc(node))),
            *(reason for node in nodes for reason in self._of_notes(node)),
        ]

    def of_ups(self, ups: str) -> list[Concern]:
        """Return every reason for which the output of a UPS may go off."""
        topology = self._look.topology
        users = topology.users_of(ups) if ups in topology.linked_devices else []
        companions = topology.companions_of(ups)
        reasons = [reason for server in {*self._look.servers_on(ups), *users} for reason in self.of_server(server)]
        for feed in (ups, *companions):
            reasons += [self._outage(outage) for outage in self._look.outages(feed) if outage.confirmed_s is not None]
        words = OF_UPS if ups in self._look.rig.ups else OF_INTELLIGENT_UPS
        reasons += [self._acts(deed) for deed in self._look.deeds if deed.place == ups and deed.word in words]
        return [reason.later(off_delay_s(self._look.rig, ups)) for reason in reasons]

    # --- outages ----------------------------------------------------------------------------------------------

    def _outage(self, outage: FeedOutage) -> Concern:
        begin_s = outage.span.begin_s if outage.confirmed_s is None else outage.confirmed_s - self._look.run.slack_s
        return Concern(begin_s, outage.known_end_s, outage.known_end_s + self._plan_s, f"outage of {outage.feed}")

    def _confirmed(self, feed: str) -> Iterator[FeedOutage]:
        return (outage for outage in self._look.outages(feed) if outage.confirmed_s is not None)

    def _of_own_feeds(self, server: str) -> Iterator[Concern]:
        """Its own outage: one of its UPSs is confirmed while the others are without input, too."""
        feeds = self._look.feeds(server)
        for feed in filter(self._look.is_ups, feeds):
            for outage in self._confirmed(feed):
                begin_s = outage.confirmed_s or 0.0
                if all(self._look.was_lost(other, begin_s, outage.known_end_s) for other in feeds):
                    yield self._outage(outage)
            yield from self._of_silence(feed)

    def _of_silence(self, feed: str) -> Iterator[Concern]:
        """N1 of 003 section 1.7.4.3(21): a UPS that falls silent in an outage, with the policy 1: shutdown."""
        policy = self._look.topology.policy_of(feed)
        if policy.on_silence != "shutdown":
            return
        for outage in self._look.outages(feed):
            for deaf in self._look.deaf(feed):
                if deaf.overlaps(outage.span.begin_s, outage.known_end_s):
                    begin_s = max(outage.span.begin_s, deaf.begin_s + policy.silence_s - POLL_S)
                    known_end_s = max(outage.known_end_s, deaf.end_s + 3 * POLL_S)
                    yield Concern(begin_s, known_end_s, known_end_s + self._plan_s, f"silence of {feed} in an outage")

    def _of_shared_feeds(self, server: str) -> Iterator[Concern]:
        """Core equipment (5.2): a linked device of its group, or the feed of one of its disks."""
        for feed in self._look.shared_feeds(server):
            yield from map(self._outage, self._confirmed(feed))

    def _of_all_nodes(self, nodes: tuple[str, ...]) -> Iterator[Concern]:
        """5.2, 5.5: every node is without input, or down already."""
        for outage in (outage for node in nodes for feed in self._look.feeds(node) for outage in self._confirmed(feed)):
            begin_s, end_s = outage.confirmed_s or 0.0, outage.known_end_s
            if all(self._is_out(node, begin_s, end_s) for node in nodes):
                yield self._outage(outage)

    def _is_out(self, node: str, begin_s: float, end_s: float) -> bool:
        if self._look.history.before(node, begin_s).get("state") != "running":
            return True
        return all(self._look.was_lost(feed, begin_s, end_s) for feed in self._look.feeds(node))

    def _of_agents(self, server: str) -> Iterator[Concern]:
        """Servers that an agent on another one's UPS ends with it (002 section 5.2)."""
        for agent in ups_managers(self._look.rig):
            if server in (agent.server, *agent.others):
                yield from map(self._outage, self._confirmed(agent.ups))

    # --- people, schedules, faults ----------------------------------------------------------------------------

    def _acts(self, deed: Deed) -> Concern:
        latest_s = deed.at_s + self._plan_s
        return Concern(deed.at_s, deed.at_s, latest_s, deed.words)

    def _of_deeds(self, server: str) -> Iterator[Concern]:
        feeds = self._look.feeds(server)
        for deed in self._look.deeds:
            itself = deed.place == server and deed.word in OF_SERVERS
            its_feed = deed.place in feeds and deed.word in OF_INTELLIGENT_UPS | OF_UPS
            its_supply = deed.place.startswith(f"{server}.psu")
            its_node = deed.word == "shutdown_node" and server in deed.args
            if itself or its_feed or its_supply or its_node:
                yield self._acts(deed)
        yield from self._of_power_off(server)
        yield from self._of_bmc(server)

    def _of_power_off(self, server: str) -> Iterator[Concern]:
        """An order of a person or an application at a controller's own input; without names it means all."""
        for deed in self._look.deeds:
            ordered = deed.place in self._look.controllers and deed.word in OF_CONTROLLERS
            if ordered and (server in deed.args or not deed.args):
                yield self._acts(deed)

    def _of_bmc(self, server: str) -> Iterator[Concern]:
        """A fault of its BMC: what the BMC does after the recovery, and what an agent does after its report."""
        for deed in self._look.deeds:
            if deed.place == f"{server}.bmc":
                yield self._acts(deed).later(LINK_S)

    def _of_notes(self, server: str) -> Iterator[Concern]:
        for note in self._look.seen.notes:
            if note.mark in NOTED and is_configured(self._look, note, server):
                known_s = note.at_s
                yield Concern(known_s, known_s, known_s + self._plan_s, NOTED[note.mark])


def is_configured(lookup: RunLookup, note: SeenNote, server: str) -> bool:
    """Return True when a schedule, or another cause that a note names, is configured for a server."""
    config = lookup.automation
    match note.mark:
        case "schedule_off":
            return any(
                turn.do == "off" and turn.at == note.subject and server in turn.servers for turn in config.schedule
            )
        case "lan_off":
            return config.lan_off is not None and server in config.lan_off.servers
        case "interface_off":
            return any(wanted.line and server in wanted.servers for wanted in config.intelligent)
    return False


def ends_after_report(lookup: RunLookup, server: str) -> bool:
    """Return True when ServerAgent on a server is left at シャットダウン (004)."""
    agents = (controller for controller in lookup.rig.controllers if isinstance(controller, ServerAgentConfig))
    return any("shutdown" in _after(agent) and server in agent.servers for agent in agents)


def _after(agent: ServerAgentConfig) -> set[str]:
    """Return what an agent does after its reports; for an event that is not named it shuts down."""
    wanted = agent.after_report
    return {wanted.get(event, "shutdown") for event in get_args(EventId)} if isinstance(wanted, dict) else {wanted}


def stop_is_registered(lookup: RunLookup, server: str) -> bool:
    """Return True when the cluster's stop command is PowerChute's shutdown command (003 section 1.8.4)."""
    return any(agent.stop_registered and server in agent.ups for agent in powerchutes(lookup.rig))
