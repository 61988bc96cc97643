"""Everything that ran before an outage runs again after it (001 section 9.1, 003 section 1.7.5.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.exemptions import is_exempt, is_left_off
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.run import Run, Violation

NAME = "returns"
RULE = "after an outage all servers start by themselves and normal operation resumes (001 9.1, 003 1.7.5.1)"


def find(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Look at the end of a run that was left alone for long enough since its last action."""
    if not lookup.rested:
        return
    missing = []
    for disk in run.rig.disks:
        good = any(map(lookup.has_good_line, lookup.disk_feeds(disk)))
        if good and _differs(lookup, disk, "ready") and not _exempt(lookup, disk):
            yield _violation(lookup, disk, "ready")
    for server in run.rig.servers:
        if not _fed(lookup, server):
            continue
        if _differs(lookup, server, "running"):
            missing.append(server)
            if not _exempt(lookup, server):
                yield _violation(lookup, server, "running")
        else:
            yield from _guests(lookup, server)
    for cluster in run.rig.clusters:
        yield from _cluster(lookup, cluster)


def _differs(lookup: RunLookup, device: str, state: str) -> bool:
    """Return True when a device was in a state at the start, and is not at the end."""
    return lookup.history.first(device).get("state") == state != lookup.history.last(device).get("state")


def _fed(lookup: RunLookup, server: str) -> bool:
    """Return True when the mains are good behind one of its own feeds, and behind all that it shares."""
    own = any(map(lookup.has_good_line, lookup.feeds(server)))
    disks = [any(map(lookup.has_good_line, lookup.disk_feeds(disk))) for disk in lookup.disks_of(server)]
    return own and all(disks) and all(map(lookup.has_good_line, lookup.shared_feeds(server)))


def _exempt(lookup: RunLookup, subject: str) -> bool:
    return is_exempt(NAME, lookup, subject, lookup.run.end_s)


def _violation(lookup: RunLookup, device: str, wanted: str) -> Violation:
    shown = lookup.history.last(device).get("state")
    since_s = lookup.history.since_s(device, shown)
    text = f"{device} is {shown} since {second(since_s)} and was to be {wanted} by {second(lookup.run.end_s)}: {RULE}"
    return Violation(NAME, device, max(0.0, since_s), text)


def _guests(lookup: RunLookup, server: str) -> Iterator[Violation]:
    """002 section 5: guests start with their host, by it or by the controller."""
    before, now = lookup.history.first(server), lookup.history.last(server)
    for guest, state in now.get("guests", {}).items():
        lost = before.get("guests", {}).get(guest) == "running" != state
        if lost and not _exempt(lookup, server) and not is_left_off(lookup, server, guest):
            at_s = max(0.0, lookup.came_up_s(server))
            text = f"guest {guest} of {server} is {state}, and its host runs since {second(at_s)}: guests start after"
            yield Violation(NAME, f"{server} {guest}", at_s, f"{text} an outage, too (002 5.1 to 5.4)")


def _cluster(lookup: RunLookup, cluster: str) -> Iterator[Violation]:
    """Its nodes run: so all of them are in the cluster, and every group runs on one of them."""
    before, now = lookup.history.first(cluster), lookup.history.last(cluster)
    nodes = lookup.rig.clusters[cluster].nodes
    if before.get("state") != "running" or any(deed.place == cluster and deed.word == "stop" for deed in lookup.deeds):
        return
    states = now.get("nodes", {})
    running = [node for node in nodes if lookup.history.last(node).get("state") == "running"]
    out = [node for node in running if states.get(node) != "online" and _fed(lookup, node)]
    if out and not all(_exempt(lookup, node) for node in out):
        at_s = max(lookup.history.since_s(cluster, now.get("state")), 0.0)
        shown = ", ".join(f"{node} {states.get(node)}" for node in out)
        yield Violation(NAME, cluster, at_s, f"{cluster} is not complete, though its nodes run ({shown}): {RULE}")
    elif running and not out:
        idle = [group for group in before.get("running", {}) if group not in now.get("running", {})]
        if idle:
            at_s = max(lookup.history.since_s(cluster, now.get("state")), 0.0)
            yield Violation(NAME, cluster, at_s, f"{', '.join(idle)} of {cluster} runs nowhere: {RULE}")


INVARIANT = Invariant(
    NAME,
    "once the mains are good for good and the rig's own times have passed, all that ran before runs again:"
    " disks, servers, guests, clusters with all nodes and groups (001 9.1 and 9.2, 003 1.7.5, 002 5)",
    find,
)
