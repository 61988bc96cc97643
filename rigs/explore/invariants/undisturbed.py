"""Nothing healthy and not concerned is touched (001 sections 9.1 and 9.2, 003 section 1.8.4). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.controllers.clusterpro import ClusterproConfig
from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.concern import Concerns
from ridethrough.rigs.explore.invariants.exemptions import is_exempt
from ridethrough.rigs.explore.invariants.history import ValueChange
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.invariants.times import off_delay_s
from ridethrough.rigs.explore.run import Run, Violation

NAME = "undisturbed"
RULE = "nobody ends what is healthy and not concerned (001 9.1, 003 1.8.4)"


def find(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Look at everything that was ended, and at every order to restart."""
    concerns = Concerns(lookup)
    restarted = list(_restarts(lookup, concerns))
    yield from restarted
    told = {(violation.subject, violation.at_s) for violation in restarted}
    for server in run.rig.servers:
        yield from _server(lookup, concerns, server, told)
    for cluster in run.rig.clusters:
        yield from _cluster(lookup, concerns, cluster)
    for ups in (*run.rig.ups, *run.rig.intelligent_ups):
        yield from _output(lookup, concerns, ups)


def _server(lookup: RunLookup, concerns: Concerns, server: str, told: set[tuple[str, float]]) -> Iterator[Violation]:
    """A server that was shut down, reset or switched off while it had power; or whose output was switched off.

    `told` are restarts that were found already.
    """
    reasons = concerns.of_server(server)
    for change in lookup.history.changes(server):
        if change.before != "running" or is_exempt(NAME, lookup, server, change.at_s):
            continue
        came_up_s = lookup.came_up_s(server, change.at_s)
        cut = _is_cut(lookup, server, change)
        delay_s = max((off_delay_s(lookup.rig, feed) for feed in lookup.feeds(server)), default=0.0) if cut else 0.0
        if any(reason.later(delay_s).holds(change.at_s, came_up_s) for reason in reasons):
            continue
        if cut:
            ordered = [feed for feed in lookup.feeds(server) if _was_switched_off(lookup, feed, change.at_s)]
            if ordered:
                text = f"{', '.join(ordered)} went off under {server} at {second(change.at_s)}: {RULE}"
                yield Violation(NAME, server, change.at_s, text)
        elif not lookup.waits_for_disk(server, change.at_s) and (server, change.at_s) not in told:
            what = {"booting": "reset", "off": "switched off", "hung": "halted"}.get(change.after, "shut down")
            text = f"{server} was {what} at {second(change.at_s)}, without an outage, order or fault that concerns it"
            yield Violation(NAME, server, change.at_s, f"{text}: {RULE}")


def _is_cut(lookup: RunLookup, server: str, change: ValueChange) -> bool:
    return change.after == "off" and not any(lookup.history.at(server, change.at_s).get("supplies", ()))


def _was_switched_off(lookup: RunLookup, feed: str, at_s: float) -> bool:
    """Return True for a UPS whose output is off by an order, not by its battery."""
    return (
        lookup.is_ups(feed)
        and lookup.history.at(feed, at_s).get("output") == "off"
        and not lookup.is_exhausted(feed, at_s)
    )


def _restarts(lookup: RunLookup, concerns: Concerns) -> Iterator[Violation]:
    """001 section 9.2: only what waits for a disk is restarted, and what an outage ends that is over meanwhile."""
    people = {(deed.place, deed.word, deed.at_s) for deed in lookup.deeds}
    for order in lookup.seen.orders:
        server = order.device
        if order.input != "reboot" or server not in lookup.rig.servers or not lookup.runs(server, order.at_s):
            continue
        if any((server, "reboot") == one[:2] and abs(one[2] - order.at_s) < 1 for one in people):
            continue
        came_up_s = lookup.came_up_s(server, order.at_s)
        if any(reason.holds(order.at_s, came_up_s) for reason in concerns.of_server(server)):
            continue
        if not lookup.waits_for_disk(server, order.at_s):
            text = f"{server} was told to restart at {second(order.at_s)}, though it was up with its disks"
            yield Violation(NAME, server, order.at_s, f"{text}: only what waits for a disk is restarted (001 9.1, 9.2)")


def _cluster(lookup: RunLookup, concerns: Concerns, cluster: str) -> Iterator[Violation]:
    """A cluster that was told to stop as a whole."""
    reasons = concerns.of_cluster(cluster)
    nodes = lookup.rig.clusters[cluster].nodes
    for change in lookup.history.changes(cluster):
        if change.after != "stopping" or is_exempt(NAME, lookup, cluster, change.at_s):
            continue
        came_up_s = lookup.history.since_s(cluster, "running", until_s=change.at_s)
        recovers = any(event.type == "bmc.notice" for event in lookup.seen.events) and _stops_on_fault(lookup, cluster)
        waits = any(lookup.waits_for_disk(node, change.at_s) for node in nodes)
        if not recovers and not waits and not any(reason.holds(change.at_s, came_up_s) for reason in reasons):
            text = f"{cluster} was stopped at {second(change.at_s)}, without an outage of its disks or of all its nodes"
            yield Violation(NAME, cluster, change.at_s, f"{text}: {RULE}")


def _stops_on_fault(lookup: RunLookup, cluster: str) -> bool:
    """A recovery of a BMC's fault that is configured to stop the cluster (004)."""
    configs = (controller for controller in lookup.rig.controllers if isinstance(controller, ClusterproConfig))
    return any(
        config.cluster == cluster and "stop" in (config.recovery, *(row.action for row in config.monitors.values()))
        for config in configs
    )


def _output(lookup: RunLookup, concerns: Concerns, ups: str) -> Iterator[Violation]:
    """An output that went off by an order while anything worked behind it."""
    reasons = concerns.of_ups(ups)
    users = lookup.users_of(ups)
    for change in lookup.history.changes(ups, "output"):
        if change.after != "off" or lookup.is_exhausted(ups, change.at_s):
            continue
        if users and not any(lookup.works(server, change.at_s) for server in users):
            continue
        came_on_s = lookup.history.since_s(ups, "on", key="output", until_s=change.at_s)
        exempt = any(is_exempt(NAME, lookup, server, change.at_s) for server in lookup.servers_on(ups))
        if not exempt and not any(reason.holds(change.at_s, came_on_s) for reason in reasons):
            text = f"the output of {ups} was switched off at {second(change.at_s)}, and nothing concerned it"
            yield Violation(NAME, ups, change.at_s, f"{text}: {RULE}")


INVARIANT = Invariant(
    NAME,
    "nothing healthy and not concerned (by its own feeds, its cluster, the feeds of its disks, the linked devices of"
    " its group, a fault of its BMC, a schedule or a person) is shut down, restarted or switched off; and what is up is"
    " restarted only while it waits for a disk (001 9.1 and 9.2, 003 1.8.4)",
    find,
)
