"""Everything told is so: open conditions, events in pairs, the status table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

from ridethrough.gateway.vocabulary import Condition, EventType
from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.history import State
from ridethrough.rigs.explore.invariants.lookup import UP, RunLookup
from ridethrough.rigs.explore.invariants.times import settings_of
from ridethrough.rigs.explore.run import Run, Violation
from ridethrough.rigs.lab.group_status import SERVER_STATES, StatusRow

NAME = "truth"
VOLTS = 3.0  # by which a shown voltage may differ
# Openings and what closes them, where no condition joins them.
PAIRS: dict[str, frozenset[str]] = {
    EventType.RECOVERY_STARTED.value: frozenset({EventType.RECOVERY_ENDED.value, EventType.RECOVERY_EXPIRED.value}),
    EventType.TRAP_STORM.value: frozenset({EventType.TRAP_STORM_ENDED.value}),
}
OF_GROUPS = ("", "-----")  # states of the rows of groups
MASTER = "running as master"
RUNNING = ("running", "running (cluster)")  # of a node that is not in its cluster now


def find(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Compare the end of a run, left alone long enough since its last action, with its plant."""
    if not lookup.rested or any(item.place == "gateway" and item.span.end_s == inf for item in lookup.broken):
        return
    yield from _conditions(run, lookup)
    yield from _untold(run, lookup)
    yield from _pairs(run, lookup)
    yield from _table(run, lookup)


# --- conditions -----------------------------------------------------------------------------------------------------


def _ups_silent(lookup: RunLookup, device: str) -> bool:
    return any(span.end_s == inf for span in lookup.deaf(device))


def _silent(lookup: RunLookup, device: str) -> bool:
    """Return True when a device cannot answer at the end."""
    if _ups_silent(lookup, device) or any(
        lookup.history.last(hub).get("state") == "off" for hub in lookup.hubs_of(device)
    ):
        return True
    if device in lookup.rig.servers:
        return lookup.history.last(device).get("state") not in UP
    if device.endswith(".bmc"):
        host = device.removesuffix(".bmc")
        fed = any(lookup.history.last(host).get("supplies", ()))
        return not fed or lookup.history.last(device).get("state") != "running"
    return False


def _is_low(lookup: RunLookup, device: str) -> bool:
    """Return True when a battery could not carry its load beyond its low-battery time."""
    last = lookup.history.last(device)
    limit_s = settings_of(lookup.rig, device).low_battery_runtime_s
    return bool(last.get("battery_low")) or float(last.get("runtime_s", inf)) <= limit_s * 1.05


# A condition of a UPS to whether it is so; conditions that are not here nobody can judge by the plant.
OF_UPS: dict[str, Callable[[RunLookup, str, State], bool]] = {
    Condition.INPUT: lambda lookup, ups, last: lookup.line_is_bad(ups, last),
    Condition.OUTAGE: lambda lookup, ups, last: lookup.line_is_bad(ups, last),
    Condition.BATTERY: lambda lookup, ups, _last: _is_low(lookup, ups),
    Condition.DISCHARGED: lambda lookup, ups, _last: _is_low(lookup, ups),
    Condition.OUTPUT: lambda _lookup, _ups, last: last.get("output") == "off",
    Condition.OVERLOAD: lambda _lookup, _ups, last: float(last.get("load_percent", 0)) > 100,
    Condition.LINK: lambda _lookup, _ups, last: last.get("state") == "unknown",
    Condition.BOOST: lambda _lookup, _ups, last: last.get("state") == "boosting",
    Condition.TRIM: lambda _lookup, _ups, last: last.get("state") == "trimming",
    Condition.BYPASS: lambda _lookup, _ups, last: last.get("state") == "bypass",
    Condition.SILENCE: lambda lookup, ups, _last: _silent(lookup, ups),
    Condition.COMMUNICATION: lambda lookup, ups, _last: _silent(lookup, ups),
}


def _is_so(lookup: RunLookup, device: str, condition: str) -> bool | None:
    """Return whether the plant shows a condition; None where it cannot say."""
    last = lookup.history.last(device)
    if device in lookup.rig.ups:
        row = OF_UPS.get(condition)
        return None if row is None else row(lookup, device, last)
    if condition == Condition.SILENCE:
        return _silent(lookup, device)
    if condition == Condition.POWER and device.endswith(".bmc"):
        return lookup.history.last(device.removesuffix(".bmc")).get("power") == "off"
    if condition == Condition.SEGMENT and device in lookup.rig.hubs:
        return last.get("state") == "off"
    return None


def _known(lookup: RunLookup) -> set[str]:
    bmcs = {f"{name}.bmc" for name, server in lookup.rig.servers.items() if server.bmc is not None}
    return {*lookup.rig.ups, *lookup.rig.servers, *lookup.rig.hubs, *bmcs}


def _conditions(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """No condition is open that is not so."""
    known = _known(lookup)
    for row in run.conditions:
        device, condition = str(row["device"]), str(row["condition"])
        if device in known and _is_so(lookup, device, condition) is False:
            text = f"the condition {condition} of {device} is open at {second(run.end_s)}, and it is not so"
            yield Violation(NAME, device, run.end_s, f"{text}: nothing is open that is not so")


def _untold(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """A lost input, an output that is off and a silent device are known."""
    opened = {(str(row["device"]), str(row["condition"])) for row in run.conditions}
    for ups in run.rig.ups:
        for condition in (Condition.INPUT, Condition.OUTPUT):
            if _silent(lookup, ups) or lookup.history.last(ups).get("state") == "unknown":
                continue
            if _is_so(lookup, ups, condition) and (ups, condition.value) not in opened and run.seen.events:
                text = f"the condition {condition.value} of {ups} is so at {second(run.end_s)}, and is not open"
                yield Violation(NAME, ups, run.end_s, f"{text}: what is so is known")


# --- events ---------------------------------------------------------------------------------------------------------


def _pairs(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Every event that opens something is followed by the one that closes it, unless it is open."""
    opened = {(str(row["device"]), str(row["condition"])) for row in run.conditions}
    told: dict[tuple[str, str], tuple[float, str]] = {}
    for event in run.seen.events:
        data: dict[str, Any] = event.data
        if (key := data.get("condition") or data.get("flapping") or data.get("settled")) is not None:
            if data.get("opens"):
                told[event.subject, str(key)] = event.at_s, event.type
            elif data.get("clears") or event.type == EventType.CONDITION_SETTLED:
                told.pop((event.subject, str(key)), None)
        for begin, ends in PAIRS.items():
            if event.type == begin:
                told[event.subject, begin] = event.at_s, event.type
            elif event.type in ends:
                told.pop((event.subject, begin), None)
    for (device, key), (at_s, event_type) in told.items():
        if (device, key) not in opened and device in _known(lookup):
            text = f"{event_type} of {device} at {second(at_s)} was never followed by the event of its end"
            yield Violation(NAME, device, at_s, f"{text}, and it is over: every loss has its restoration")


# --- the status table -----------------------------------------------------------------------------------------------


def _table(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """The rows of the status table show the plant (003 section 1.7.4.5)."""
    labels = {run.rig.power_management.of_ups(name).label or name: name for name in run.rig.ups}
    masters = []
    for row in (row for row in run.table if row.state not in OF_GROUPS):
        if row.name in run.rig.servers:
            masters += [row.name] if row.state == MASTER else []
            yield from _row(run, row.name, row, _server_states(lookup, row.name))
        elif row.name in labels:
            yield from _ups_row(run, lookup, labels[row.name], row)
    states = {name: lookup.history.last(name).get("state") for name in lookup.topology.terminals}
    alive = [name for name, state in states.items() if state == "running"]
    automated = any(controller.type == "esmpro_ac" for controller in run.rig.controllers)
    changing = set(states.values()) - {"running", "off"}  # one that shuts down is master until it is off
    if run.table and automated and alive and not changing and len(masters) != 1:
        text = f"the status table shows {', '.join(masters) or 'no terminal'} as master at {second(run.end_s)}"
        yield Violation(NAME, alive[0], run.end_s, f"{text}: exactly one is マスタ動作中 (003 1.7.4.5)")


def _server_states(lookup: RunLookup, server: str) -> tuple[str, ...]:
    """Return what the table may show; any control terminal may be master."""
    state = str(lookup.history.last(server).get("state"))
    if state in SERVER_STATES:
        return (SERVER_STATES[state],)
    cluster = lookup.cluster_of(server)
    nodes = lookup.history.last(cluster).get("nodes", {}) if cluster is not None else {}
    running = {None: ("running",), "online": ("running (cluster)",)}.get(nodes.get(server), RUNNING)
    return (*running, MASTER) if server in lookup.topology.terminals else running


def _ups_row(run: Run, lookup: RunLookup, ups: str, row: StatusRow) -> Iterator[Violation]:
    last = lookup.history.last(ups)
    if _silent(lookup, ups):
        expected: tuple[str, ...] = ("no communication",)
    elif last.get("output") == "off":
        expected = ("off",)
    elif last.get("state") == "on-battery":
        expected = ("outage",)
    elif last.get("state") == "unknown":
        return
    else:
        expected = ("normal, on", "* normal, on")
    yield from _row(run, ups, row, expected)
    if row.state in expected and row.input_v and "no communication" not in expected:
        volts = float(last.get("input_volts", 0))
        if abs(float(row.input_v) - volts) > VOLTS:
            text = f"the status table shows {row.input_v} V at the input of {ups}, and it has {volts:g} V"
            yield Violation(NAME, ups, run.end_s, f"{text} (003 1.7.4.5)")


def _row(run: Run, device: str, row: StatusRow, expected: tuple[str, ...]) -> Iterator[Violation]:
    if row.state not in expected:
        text = f"the status table shows {device} as {row.state!r} at {second(run.end_s)}, and it is {expected[0]!r}"
        yield Violation(NAME, device, run.end_s, f"{text} (003 1.7.4.5)")


INVARIANT = Invariant(
    NAME,
    "at the end no condition is open that is not so, every event of a loss has that of its restoration, and the status"
    " table shows the plant (003 1.7.4.5)",
    find,
)
