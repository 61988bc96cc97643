"""The order of steps: at the end of an outage, at the start after it, and around a fault of a BMC. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.exemptions import ends_by_person
from ridethrough.rigs.explore.invariants.lookup import OFF_COMMANDS, ROUNDING_S, RunLookup
from ridethrough.rigs.explore.invariants.times import HEARD_S, POLL_S, orders_s
from ridethrough.rigs.explore.run import Run, Violation
from ridethrough.rigs.scenario.seen import SeenCommand

NAME = "order"
HELD = ("detected", "notified", "held")  # states of a BMC's hold in which it waits


def find(_run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Go through the rules."""
    for rule in RULES:
        yield from rule(lookup)


# --- ends -----------------------------------------------------------------------------------------------------------


def _terminals_last(lookup: RunLookup) -> Iterator[Violation]:
    """001 section 6.2, 003 section 1.7.7(5): linked terminals end before the control terminals that end them."""
    terminals = lookup.topology.terminals
    for terminal in terminals:
        for change in lookup.history.changes(terminal):
            others = [name for name in terminals if name != terminal and lookup.runs(name, change.at_s)]
            if (change.before, change.after) != ("running", "shutting-down") or others:
                continue
            if ends_by_person(lookup, terminal, change.at_s):
                continue
            for linked in lookup.topology.linked:
                if _was_due(lookup, terminal, linked, change.at_s):
                    text = f"{terminal}, the last control terminal, began to shut down at {second(change.at_s)} while"
                    text += f" {linked}, whose outage it had to end, still ran: LT before CT (001 6.2, 003 1.7.7(5))"
                    yield Violation(NAME, terminal, change.at_s, text)
                    break


def _was_due(lookup: RunLookup, terminal: str, linked: str, at_s: float) -> bool:
    """Return True when a linked server still runs though its outage was to be dealt with by then."""
    if not lookup.runs(linked, at_s) or lookup.history.at(linked, at_s).get("state") != "running":
        return False
    if lookup.history.first(linked).get("state") != "running" or not lookup.is_managed(linked):
        return False
    if any(span.overlaps(0.0, at_s) for feed in lookup.feeds(linked) for span in lookup.deaf(feed)):
        return False  # nobody could know in time
    if any(item.span.overlaps(0.0, at_s) for item in lookup.broken if item.place in lookup.actors):
        return False
    confirmed_s = _confirmed_s(lookup, linked, at_s)
    own_s = _confirmed_s(lookup, terminal, at_s)
    together = confirmed_s <= own_s + lookup.automation.gather_s
    needed_s = 0.0 if together and own_s - confirmed_s <= lookup.automation.gather_s else orders_s(lookup.rig)
    return together and confirmed_s + needed_s <= at_s and lookup.came_up_s(linked, at_s) < confirmed_s


def _confirmed_s(lookup: RunLookup, server: str, at_s: float) -> float:
    """Return when the outage of a server's only UPS, that lasts at an instant, was confirmed; infinity without one."""
    feeds = [feed for feed in lookup.feeds(server) if lookup.is_ups(feed)]
    if len(feeds) != 1 or len(lookup.feeds(server)) != 1:
        return inf
    found = [
        outage.confirmed_s
        for outage in lookup.outages(feeds[0])
        if outage.confirmed_s is not None and outage.confirmed_s <= at_s <= outage.span.end_s
    ]
    return max(found, default=inf)


def _hosts_before_manager(lookup: RunLookup) -> Iterator[Violation]:
    """002 section 5.4: hosts have shut down when their management server begins to."""
    for terminal in lookup.topology.terminals:
        hosts = [name for name in lookup.topology.linked if lookup.rig.servers[name].guests]
        for change in lookup.history.changes(terminal):
            if (change.before, change.after) != ("running", "shutting-down"):
                continue
            if ends_by_person(lookup, terminal, change.at_s):
                continue
            for host in hosts:
                state = lookup.history.at(host, change.at_s).get("state")
                if state == "shutting-down":
                    text = f"{terminal} began to shut down at {second(change.at_s)} while its host {host} was still"
                    text += " shutting down: guests, host, UPS OFF, and then the management server (002 5.4)"
                    yield Violation(NAME, terminal, change.at_s, text)


def _outputs_after_guests(lookup: RunLookup) -> Iterator[Violation]:
    """002 sections 5.1 to 5.4: UPS OFF when the guests, and by 5.4 the host, have shut down."""
    for command in _off_commands(lookup):
        for host in lookup.servers_on(command.device):
            if not lookup.rig.servers[host].guests or ends_by_person(lookup, host, command.at_s):
                continue
            shown = lookup.history.at(host, command.at_s)
            if shown.get("state") == "hung" or _waited_long_enough(lookup, host, command.at_s):
                continue
            alive = [guest for guest, state in shown.get("guests", {}).items() if state != "off"]
            its_own = host in lookup.topology.terminals or not lookup.topology.terminals
            if alive or (not its_own and shown.get("state") in ("running", "shutting-down")):
                what = f"guests of {host} ({', '.join(alive)})" if alive else host
                text = f"UPS OFF went to {command.device} at {second(command.at_s)} before {what} had shut down"
                yield Violation(NAME, command.device, command.at_s, f"{text} (002 5.1 to 5.4)")


def _waited_long_enough(lookup: RunLookup, host: str, at_s: float) -> bool:
    """Return True when a host was told to shut down and has had all the time that is configured for it."""
    confirmed = [one.confirmed_s for feed in lookup.feeds(host) for one in lookup.outages(feed) if one.confirmed_s]
    since_s = max((begin_s for begin_s in confirmed if begin_s <= at_s), default=inf)
    told = [order.at_s for order in lookup.seen.orders if (order.device, order.input) == (host, "shutdown")]
    first_s = min((told_s for told_s in told if since_s <= told_s <= at_s), default=inf)
    return at_s - first_s >= lookup.automation.host_off_s - HEARD_S


def _off_commands(lookup: RunLookup) -> Iterator[SeenCommand]:
    return (item for item in lookup.seen.commands if item.command in OFF_COMMANDS and item.state == "done")


def _guests_before_hosts(lookup: RunLookup) -> Iterator[Violation]:
    """002 section 5: a host that ends in order ends after its guests."""
    for host, config in lookup.rig.servers.items():
        if not config.guests:
            continue
        for change in lookup.history.changes(host):
            if (change.before, change.after) != ("shutting-down", "off"):
                continue
            cut = not any(lookup.history.at(host, change.at_s).get("supplies", ()))
            guests = lookup.history.before(host, change.at_s).get("guests", {})
            alive = [guest for guest, state in guests.items() if state == "running"]
            if alive and not cut:
                text = f"{host} was off at {second(change.at_s)} before its guests {', '.join(alive)} had shut down"
                yield Violation(NAME, host, change.at_s, f"{text} (002 5.1 to 5.4)")


# --- starts ---------------------------------------------------------------------------------------------------------


def _disks_by_rank(lookup: RunLookup) -> Iterator[Violation]:
    """003 section 1.7.5.2: a disk is switched on when those of lower ranks are ready; one without input blocks."""
    management = lookup.topology.management
    for command in _on_commands(lookup, lookup.topology.linked_devices):
        rank = management.of_ups(command.device).warm_up_rank
        for other in lookup.topology.companions_of(command.device):
            late = [disk for disk in _disks_on(lookup, other) if not _is_ready(lookup, disk, command.at_s)]
            if management.of_ups(other).warm_up_rank < rank and late:
                text = f"{command.device} (rank {rank}) was switched on at {second(command.at_s)} before {late[0]} on"
                text += f" {other} was ready: Warm-UP 順位, the lower number first (003 1.7.5.2)"
                yield Violation(NAME, command.device, command.at_s, text)


def _disks_before_servers(lookup: RunLookup) -> Iterator[Violation]:
    """003 section 1.7.5.2(A): servers are started when their disks are ready."""
    outputs = [ups for ups in lookup.topology.power_devices if ups not in lookup.topology.linked_devices]
    for command in _on_commands(lookup, outputs):
        for server in lookup.topology.fed_by(command.device):
            late = [disk for disk in lookup.disks_of(server) if not _is_ready(lookup, disk, command.at_s)]
            if late:
                text = f"{command.device} of {server} was switched on at {second(command.at_s)} before its disk"
                text += f" {', '.join(late)} was ready: disks before servers (003 1.7.5.2(A))"
                yield Violation(NAME, command.device, command.at_s, text)
                break


def _on_commands(lookup: RunLookup, outputs: list[str]) -> Iterator[SeenCommand]:
    """Commands that brought outputs back; at a scheduled start the Warm-UP time counts instead (001 section 6.2)."""
    scheduled = [note.at_s for note in lookup.seen.notes if note.mark in ("schedule_on", "interface_on")]
    people = [deed.at_s for deed in lookup.deeds if (deed.place in lookup.controllers and deed.word == "power_on")]
    for item in lookup.seen.commands:
        if item.command != "output.on" or item.device not in outputs or item.state != "done":
            continue
        if lookup.history.before(item.device, item.at_s).get("output") != "off":
            continue
        lead_s = max((management.warm_up_s for management in lookup.topology.management.ups.values()), default=0.0)
        if not any(-ROUNDING_S <= item.at_s - at_s <= lead_s + POLL_S for at_s in (*scheduled, *people)):
            yield item


def _disks_on(lookup: RunLookup, ups: str) -> list[str]:
    return [disk for disk in lookup.rig.disks if ups in lookup.disk_feeds(disk)]


def _is_ready(lookup: RunLookup, disk: str, at_s: float) -> bool:
    return lookup.history.at(disk, at_s).get("state") == "ready"


# --- BMC ------------------------------------------------------------------------------------------------------------


def _recovery_before_action(lookup: RunLookup) -> Iterator[Violation]:
    """004: the BMC resets the server only after the recovery has ended, or nobody came in time."""
    for server, config in lookup.rig.servers.items():
        bmc = f"{server}.bmc"
        if config.bmc is None or bmc not in lookup.history:
            continue
        for change in lookup.history.changes(server):
            if change.before not in ("running", "hung") or change.after not in ("booting", "off", "hung"):
                continue
            if not any(lookup.history.at(server, change.at_s).get("supplies", ())):
                continue
            before = lookup.history.before(bmc, change.at_s).get("link", {})
            now = lookup.history.at(bmc, change.at_s).get("link", {})
            if before.get("state") not in HELD:
                continue
            released = any(
                "released" in step["text"] for step in now.get("steps", ())[len(before.get("steps", ())) - 1 :]
            )
            if now.get("state") in HELD or not released:
                text = (
                    f"{server} went to {change.after} at {second(change.at_s)} while its BMC held the fault: the reset"
                )
                yield Violation(NAME, server, change.at_s, f"{text} waits for the end of the recovery (004, step 6)")


RULES: tuple[Callable[[RunLookup], Iterator[Violation]], ...] = (
    _terminals_last,
    _hosts_before_manager,
    _outputs_after_guests,
    _guests_before_hosts,
    _disks_by_rank,
    _disks_before_servers,
    _recovery_before_action,
)
INVARIANT = Invariant(
    NAME,
    "linked terminals end before control terminals (001 6.2, 003 1.7.7(5)); guests, host, UPS OFF, then the management"
    " server (002 5); disks start by rank, and before servers (003 1.7.5.2); a BMC acts after the recovery's end (004)",
    find,
)
