"""The named reasons for which an invariant may be broken: each as narrow as the document that says it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from ridethrough.rigs.explore.invariants.concern import (
    ends_after_report,
    is_configured,
    stop_is_registered,
)
from ridethrough.rigs.explore.invariants.deeds import Deed
from ridethrough.rigs.explore.invariants.lookup import OFF_COMMANDS, ROUNDING_S, RunLookup
from ridethrough.rigs.explore.invariants.orderly_end import (
    ENDS_UPS,
    battery_short,
    delay_short,
    output_ended_by_person,
    runtime_limit,
    unwatched,
    without_terminal,
)
from ridethrough.rigs.explore.invariants.times import (
    LINK_S,
    POLL_S,
    off_delay_s,
    orders_s,
    plan_s,
    powerchutes,
    ups_managers,
)

ENDS_SERVER = frozenset({"shutdown", "power_button", "hang"})
ENDS_CLUSTER = frozenset({"shutdown", "shutdown_node"})


class Exemption(NamedTuple):
    """A reason. `holds` is asked for a server, or a disk, and the instant at which it was found."""

    name: str
    section: str
    text: str
    invariants: frozenset[str]
    holds: Callable[[RunLookup, str, float], bool]


def is_exempt(invariant: str, lookup: RunLookup, subject: str, at_s: float) -> bool:
    """Return True when a reason of the table holds."""
    return exemption(invariant, lookup, subject, at_s) is not None


def exemption(invariant: str, lookup: RunLookup, subject: str, at_s: float) -> Exemption | None:
    """Return the first reason of the table that holds."""
    return next((row for row in EXEMPTIONS if invariant in row.invariants and row.holds(lookup, subject, at_s)), None)


def _feeds(lookup: RunLookup, subject: str) -> list[str]:
    return lookup.feeds(subject) if subject in lookup.rig.servers else lookup.disk_feeds(subject)


def _shared(lookup: RunLookup, subject: str) -> list[str]:
    return lookup.shared_feeds(subject) if subject in lookup.rig.servers else []


# --- a way back that is not configured ------------------------------------------------------------------------------


def _no_reboot(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """Every UPS of its own, or one that it shares, was ordered off and is not to come back."""

    def stays_off(feed: str) -> bool:
        if feed not in lookup.rig.ups or lookup.topology.management.of_ups(feed).on_recovery != "none":
            return False
        return any(item.device == feed and item.command in OFF_COMMANDS for item in lookup.seen.commands)

    return all(map(stays_off, _feeds(lookup, subject))) or any(map(stays_off, _shared(lookup, subject)))


def _ac_link_off(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """It lost its supply, does not start with it, and no platform manager starts it."""
    config = lookup.automation
    if config.ssc is not None and subject in config.hosts:
        return False
    cut = lookup.history.spans(subject, lambda state: not any(state.get("supplies", ())))
    return lookup.history.last(subject).get("ac_link") == "off" and bool(cut)


def _wake_missing(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """It has no UPS, was shut down in order, and its hardware does not wake."""
    server = lookup.rig.servers.get(subject)
    if server is None or any(map(lookup.is_ups, lookup.feeds(subject))):
        return False
    down = [change for change in lookup.history.changes(subject) if change.before == "running"]
    in_order = bool(down) and down[-1].after == "shutting-down"
    return in_order and (server.wake is None or not server.wake.supported)


def _scheduled(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """The last turn of a schedule, or of another automatic cause, that names it switched it off."""
    down_s = lookup.went_down_s(subject)
    notes = [note for note in lookup.seen.notes if note.mark == "schedule_on" or is_configured(lookup, note, subject)]
    mine = [note for note in notes if note.mark != "schedule_on" or subject in note.text.split(", ")]
    if not mine or mine[-1].mark == "schedule_on":
        return False
    return mine[-1].at_s <= down_s + ROUNDING_S or lookup.history.at(subject, mine[-1].at_s).get("state") != "running"


def _local(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """Its I-UPS stood in LOCAL when it went down."""
    down_s = lookup.went_down_s(subject)
    feeds = [feed for feed in _feeds(lookup, subject) if feed in lookup.rig.intelligent_ups]
    return any(lookup.history.before(feed, down_s).get("switch") == "local" for feed in feeds)


def _other_software(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """Its own controller shuts down and leaves the outputs to other software, which a rig has not."""
    config = lookup.automation
    down = [change.after for change in lookup.history.changes(subject) if change.before == "running"]
    return not config.sole and "shutting-down" in down[-1:]


def _guest_left_off(_lookup: RunLookup, _subject: str, _at_s: float) -> bool:
    """Of guests; `is_left_off` answers for each."""
    return False


def is_left_off(lookup: RunLookup, server: str, guest: str) -> bool:
    """Return True for a guest that neither its host nor a controller is to start."""
    config = lookup.rig.servers[server]
    return config.guests[guest].start_action == "nothing" and config.guests_start == "host"


# --- people ---------------------------------------------------------------------------------------------------------


def _by_person(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """An action of the timeline switched it off, and it has not run since."""
    return ends_by_person(lookup, subject, lookup.went_down_s(subject))


def ends_by_person(lookup: RunLookup, subject: str, down_s: float) -> bool:
    """Return True when what ended a server at an instant goes back to an action that ordered it."""
    longest_s = plan_s(lookup.rig) + max((off_delay_s(lookup.rig, feed) for feed in _feeds(lookup, subject)), default=0)
    deeds = [deed for deed in lookup.deeds if deed.at_s - ROUNDING_S <= down_s <= deed.at_s + longest_s]
    return any(_ends(lookup, deed, subject) for deed in deeds)


def _ends(lookup: RunLookup, deed: Deed, subject: str) -> bool:
    cluster = lookup.cluster_of(subject) if subject in lookup.rig.servers else None
    if deed.place == subject:
        return deed.word in ENDS_SERVER
    if deed.place == cluster:
        return deed.word == "shutdown" or (deed.word == "shutdown_node" and subject in deed.args)
    if deed.place in (*_feeds(lookup, subject), *_shared(lookup, subject)):
        return deed.word in ENDS_UPS or (deed.word, deed.args) == ("line", ("off",))
    if deed.place in lookup.controllers:
        return deed.word == "shutdown" or (deed.word == "power_off" and (not deed.args or subject in deed.args))
    return False


# --- accidents and limits that the documents describe --------------------------------------------------------------


def _registered_stop(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """M4: an outage of one side ends the whole cluster, and nothing starts it again."""
    if subject in lookup.rig.clusters:
        return any(stop_is_registered(lookup, node) for node in lookup.rig.clusters[subject].nodes)
    feeds = [ups for agent in powerchutes(lookup.rig) for ups in agent.ups.values()]
    confirmed = any(outage.confirmed_s is not None for ups in feeds for outage in lookup.outages(ups))
    return stop_is_registered(lookup, subject) and confirmed


def _stranger(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """K3: it shares a UPS with a node of another cluster, whose manager was told to shut that down."""
    if subject not in lookup.rig.servers:
        return False
    for deed in lookup.deeds:
        cluster = lookup.rig.clusters.get(deed.place)
        if cluster is None or deed.word not in ENDS_CLUSTER or subject in cluster.nodes or deed.at_s > at_s:
            continue
        nodes = [node for node in cluster.nodes if deed.word == "shutdown" or node in deed.args]
        if any(set(lookup.feeds(node)) & set(lookup.feeds(subject)) for node in nodes):
            return True
    return False


def _no_terminal(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """C7: no control terminal runs, each for a reason of its own."""
    terminals = lookup.topology.terminals
    if not terminals or subject in terminals:
        return False
    return all(
        not lookup.runs(terminal, at_s) and is_exempt("returns", lookup, terminal, at_s) for terminal in terminals
    )


def _agent_shuts_down(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """B6: ServerAgent is left at シャットダウン, and its server's BMC reported a fault."""
    return ends_after_report(lookup, subject) and _bmc_fault(lookup, subject)


def _bmc_switches_off(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """The BMC switched the power off, or stopped the system, because of a fault; the supplies were there."""
    if lookup.history.last(subject).get("state") == "hung":
        return _bmc_fault(lookup, subject)
    down = [change for change in lookup.history.changes(subject) if change.before in ("running", "hung")]
    if not down or down[-1].after != "off" or not any(lookup.history.at(subject, down[-1].at_s).get("supplies", ())):
        return False
    return _bmc_fault(lookup, subject)


def _bmc_fault(lookup: RunLookup, server: str) -> bool:
    down_s = lookup.went_down_s(server)
    return any(deed.place == f"{server}.bmc" and deed.at_s <= down_s <= deed.at_s + LINK_S for deed in lookup.deeds)


def _broken(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """Something that the way back needs was broken by an action and mended by none."""
    feeds = [*_feeds(lookup, subject), *_shared(lookup, subject)]
    needed = {subject, f"{subject}.bmc", "gateway", *feeds, *lookup.controllers}
    needed |= {hub for device in (subject, *feeds) for hub in lookup.hubs_of(device)}
    return any(
        item.span.end_s == inf and (item.place in needed or item.place.startswith(f"{subject}.psu"))
        for item in lookup.broken
    )


def _service_ended(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """C6: who acts was gone before it had ordered the outputs, though it must run for Tc + 8 + Tcs + To + 2 N."""
    feeds = [*_feeds(lookup, subject), *_shared(lookup, subject)]
    service_s = POLL_S + orders_s(lookup.rig)
    gone = [item.span.begin_s for item in lookup.broken if item.place in lookup.actors]
    gone += [span.begin_s for span in without_terminal(lookup, subject)]
    gone += _agent_unheard(lookup, subject)
    for outage in (outage for feed in feeds for outage in lookup.outages(feed) if outage.confirmed_s is not None):
        for gone_s in gone:
            ordered = any(
                item.device in _feeds(lookup, subject)
                and item.command in OFF_COMMANDS
                and outage.span.begin_s <= item.at_s <= gone_s
                for item in lookup.seen.commands
            )
            if outage.span.begin_s <= gone_s <= (outage.confirmed_s or 0.0) + service_s and not ordered:
                return True
    return False


def _agent_unheard(lookup: RunLookup, subject: str) -> list[float]:
    """Return when the server of its agent went off, and the agent with it, while its UPS could not be reached."""
    agents = [(subject, agent.ups[subject]) for agent in powerchutes(lookup.rig) if subject in agent.ups]
    managers = [agent for agent in ups_managers(lookup.rig) if subject in (agent.server, *agent.others)]
    agents += [(agent.server, agent.ups) for agent in managers]
    return [
        change.at_s
        for server, ups in agents
        for change in lookup.history.changes(server)
        if change.after == "off"
        and any(deaf.begin_s <= change.at_s <= deaf.end_s + 3 * POLL_S for deaf in lookup.deaf(ups))
    ]


RETURNS = frozenset({"returns"})
ORDERLY = frozenset({"orderly"})
EXEMPTIONS = (
    Exemption(
        "no reboot",
        "003 1.7.5",
        "電源異常回復時にリブートしない is set, and its UPS was ordered off",
        RETURNS,
        _no_reboot,
    ),
    Exemption(
        "AC-Link off", "001 4", "it does not start with its supply, and nobody else starts it", RETURNS, _ac_link_off
    ),
    Exemption("LOCAL", "003 1.6.7(4)", "its I-UPS stood in LOCAL when it went down", RETURNS, _local),
    Exemption(
        "schedule",
        "003 1.6.2",
        "a schedule, clients on the LAN or the line's signal switched it off",
        RETURNS,
        _scheduled,
    ),
    Exemption("order", "003 1.6.2", "a person or an application ordered it off", RETURNS, _by_person),
    Exemption("no wake", "000", "it has no UPS, and its hardware knows no Wake-on-LAN", RETURNS, _wake_missing),
    Exemption(
        "M4",
        "003 1.8.4",
        "the cluster's stop command is registered in PowerChute: all end, and none returns",
        frozenset({"returns", "undisturbed"}),
        _registered_stop,
    ),
    Exemption(
        "K3",
        "001 11(5), 003 1.7.7(6)",
        "a cluster's manager was told to shut down, and this other server is on the same UPS",
        frozenset({"returns", "undisturbed", "orderly"}),
        _stranger,
    ),
    Exemption(
        "C6",
        "003 1.7.7(5)",
        "the terminals, or the controller, were gone before they had ordered the outputs of the outage",
        RETURNS,
        _service_ended,
    ),
    Exemption("C7", "003 1.7.2", "no control terminal runs, for a reason of this table", RETURNS, _no_terminal),
    Exemption("B6", "004", "ServerAgent is left at シャットダウン", RETURNS, _agent_shuts_down),
    Exemption("protection", "004", "its BMC switched it off because of a fault", RETURNS, _bmc_switches_off),
    Exemption(
        "broken",
        "003 1.7.7(5)",
        "what the way back needs was broken by an action, and is still broken",
        RETURNS,
        _broken,
    ),
    Exemption(
        "other software",
        "003 1.7.4.2",
        "「他のUPS管理ソフトを使用しない」 is off: its output is left to that software",
        RETURNS,
        _other_software,
    ),
    Exemption("guest", "002 4.1", "自動開始アクション of a guest is 何もしない", RETURNS, _guest_left_off),
    Exemption(
        "low battery",
        "003 1.9.6(6)",
        "ランタイム限度時: the shutdown begins when too little of the battery is left",
        ORDERLY,
        runtime_limit,
    ),
    Exemption("C8", "001 9.1", "the battery is empty before ① + ② + ③ are over", ORDERLY, battery_short),
    Exemption("③", "003 1.9.3.3", "電源切断猶予時間 is shorter than the end of the system", ORDERLY, delay_short),
    Exemption(
        "unwatched",
        "003 1.7.2, 1.7.4.3(21)",
        "no terminal ran, or the card was silent (そのまま運用), until too little of the battery was left",
        ORDERLY,
        unwatched,
    ),
    Exemption("switched off", "003 1.6.2", "an action switched the output off", ORDERLY, output_ended_by_person),
)
