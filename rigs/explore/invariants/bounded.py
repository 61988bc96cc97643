"""Everything that is begun comes to an end, and is begun once (003 section 1.7.7(5)). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ridethrough.gateway.records import CommandState
from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.lookup import OFF_COMMANDS, RunLookup
from ridethrough.rigs.explore.invariants.times import powerchutes
from ridethrough.rigs.explore.run import Run, Violation
from ridethrough.rigs.scenario.seen import SeenCommand

NAME = "bounded"
MOST_STARTS = 3  # of one server between two actions: with its supply, after its disks, and one more that is no loop
NEAR_S = 1.0  # by which an order may be later than the action that it is
SERVER_ORDERS = ("shutdown", "reboot")
BMC_ORDERS = ("power.soft", "power.off", "power.cycle", "power.reset")
CLUSTER_ORDERS = ("stop",)


def find(_run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Count orders and starts, and look for what is still under way."""
    yield from _starts(lookup)
    yield from _repeated(lookup)
    yield from _unended(lookup)


def _starts(lookup: RunLookup) -> Iterator[Violation]:
    """A server that starts again and again."""
    marks = [0.0, *(deed.at_s for deed in lookup.deeds), lookup.run.end_s]
    for server in lookup.rig.servers:
        times = [change.at_s for change in lookup.history.changes(server) if change.after == "booting"]
        for begin_s, end_s in pairwise(sorted(marks)):
            count = len([at_s for at_s in times if begin_s <= at_s < end_s])
            if count > MOST_STARTS:
                text = f"{server} started {count} times between {second(begin_s)} and {second(end_s)}"
                yield Violation(NAME, server, begin_s, f"{text}, and nothing happened there: nothing restarts for ever")
                break


class _Told(NamedTuple):
    """The instants of one order to one device. It may come again once `shown_by` has become `up` anew."""

    device: str
    what: str
    times: Sequence[float]
    shown_by: str
    up: str = "running"
    key: str = "state"


def _repeated(lookup: RunLookup) -> Iterator[Violation]:
    """An order that is given again though it is still in force, and nothing has happened meanwhile."""
    for told in (*_to_servers(lookup), *_to_clusters(lookup), *_to_outputs(lookup)):
        for first_s, again_s in pairwise(told.times):
            ups = [lookup.history.since_s(told.shown_by, up, told.key, until_s=again_s) for up in (told.up, "waiting")]
            happened = any(first_s < at_s <= again_s for at_s in (*ups, *(deed.at_s for deed in lookup.deeds)))
            taken_over = any(first_s <= at_s <= again_s for at_s in _takeovers(lookup, told.device))
            if not happened and not taken_over:
                text = f"{told.device} was {told.what} at {second(first_s)} and again at {second(again_s)}, though"
                text += " nothing had happened: an order is given once in a plan (003 1.7.7(5))"
                yield Violation(NAME, told.device, again_s, text)
                break


def _to_servers(lookup: RunLookup) -> Iterator[_Told]:
    """Orders to operating systems, of themselves and by their BMCs; one that is stronger than the last is another."""
    for server in lookup.rig.servers:
        yield _Told(server, "told to end", _orders(lookup, server, SERVER_ORDERS), server)
        for command in BMC_ORDERS:
            times = [item.at_s for item in _done(lookup, f"{server}.bmc") if item.command == command]
            yield _Told(f"{server}.bmc", f"told {command}", times, server)


def _to_clusters(lookup: RunLookup) -> Iterator[_Told]:
    """Each PowerChute agent has its own say."""
    for cluster in lookup.rig.clusters:
        agents = max((len(agent.ups) for agent in powerchutes(lookup.rig) if agent.cluster == cluster), default=1)
        times = _orders(lookup, cluster, CLUSTER_ORDERS)
        yield _Told(cluster, "told to stop", times[agents - 1 :], cluster)


def _to_outputs(lookup: RunLookup) -> Iterator[_Told]:
    """Orders to go off; one to go on stands between two of them."""
    for ups in lookup.rig.ups:
        times: list[float] = []
        for item in _done(lookup, ups):
            if item.command == "output.on":
                yield _Told(ups, "ordered off", times, ups, "on", "output")
                times = []
            elif item.command in OFF_COMMANDS:
                times.append(item.at_s)
        yield _Told(ups, "ordered off", times, ups, "on", "output")


def _orders(lookup: RunLookup, device: str, words: Sequence[str]) -> list[float]:
    return [
        order.at_s
        for order in lookup.seen.orders
        if order.device == device and order.input in words and not _is_deed(lookup, device, order.input, order.at_s)
    ]


def _done(lookup: RunLookup, device: str) -> list[SeenCommand]:
    return [item for item in lookup.seen.commands if item.device == device and item.state == "done"]


def _is_deed(lookup: RunLookup, device: str, word: str, at_s: float) -> bool:
    return any(
        (deed.place, deed.word) == (device, word) and -NEAR_S <= at_s - deed.at_s <= NEAR_S for deed in lookup.deeds
    )


def _takeovers(lookup: RunLookup, device: str) -> list[float]:
    """Return when another control terminal ceased to run: whoever takes over goes on, and may repeat an order."""
    terminals = [name for name in lookup.topology.terminals if name != device]
    changes = (change for terminal in terminals for change in lookup.history.changes(terminal))
    return [change.at_s for change in changes if change.before in ("running", "shutting-down")]


def _unended(lookup: RunLookup) -> Iterator[Violation]:
    """Plans and commands that are still under way when everything has had its time."""
    if not lookup.rested:
        return
    for item in lookup.seen.commands:
        if item.state in (CommandState.PENDING, CommandState.RUNNING):
            text = f"{item.command} of {item.device}, given at {second(item.at_s)}, has not ended"
            yield Violation(NAME, item.device, item.at_s, f"{text}: every plan ends")
    for controller in lookup.rig.controllers:
        for cause, at_s in _open_plans(lookup, controller.name).items():
            text = f"the plan of {controller.name} for {cause}, begun at {second(at_s)}, has not ended"
            yield Violation(NAME, cause.split(" ")[-1], at_s, f"{text}: every plan ends")


def _open_plans(lookup: RunLookup, controller: str) -> dict[str, float]:
    """Return the plans that a stand-in noted and neither ended nor lost with its terminal."""
    kills = [(deed.at_s, "killed") for deed in lookup.deeds if (deed.place, deed.word) == (controller, "kill")]
    notes: list[tuple[float, str, Any]] = [(note.at_s, note.mark, note) for note in lookup.seen.notes]
    plans: dict[str, float] = {}
    for at_s, mark, note in sorted([*notes, *((at_s, mark, None) for at_s, mark in kills)], key=lambda item: item[0]):
        if mark == "killed" or (note.controller == controller and mark == "master_lost"):
            plans.clear()
        elif note.controller == controller and mark == "plan":
            plans[note.subject] = at_s
        elif note.controller == controller and mark == "plan_done":
            plans.pop(note.subject, None)
    return plans


INVARIANT = Invariant(
    NAME,
    "each order is given once in a plan, each plan and each command ends, and nothing restarts for ever:"
    f" at most {MOST_STARTS} starts of a server between two actions (003 1.7.7(5))",
    find,
)
