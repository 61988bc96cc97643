"""Rules about groups, times and policies (requirements sections 4 to 6). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.powerchute import PowerChuteConfig
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

Violation = tuple[tuple[str, ...], str]
Row = tuple[str, bool, str, Callable[[RigFile], Iterator[Violation]]]

POLL_S = 8  # the longest interval between two looks at a UPS
ORDER_S = 60  # To
COMMAND_S = 2  # for each UPS
WARM_UP_UNIT_S = 360
LONGEST_NAME = 15
LONGEST_LABEL = 8
NEAR_MIN = 10  # a correction of a clock so near to a schedule may run it twice, or never
HALF_WIDTH = re.compile(r"[\x20-\x7e]*")
PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def _confirm(rig: RigFile, ups: str) -> float:
    return rig.ups[ups].confirm_s


def _acs(rig: RigFile) -> list[tuple[int, EsmproAcConfig]]:
    return [(index, item) for index, item in enumerate(rig.controllers) if isinstance(item, EsmproAcConfig)]


def _own_feeds(topology: Topology, servers: list[str]) -> list[str]:
    """Power devices of servers, each once."""
    feeds = [ups for server in servers for ups in topology.feeds(server) if ups in topology.power_devices]
    return list(dict.fromkeys(feeds))


def mixed_options(rig: RigFile) -> Iterator[Violation]:
    """X01: linked terminals on one UPS have one multi-server option."""
    topology = rig.topology()
    for ups in rig.ups:
        fed = [server for server in topology.linked if ups in topology.feeds(server)]
        options = {topology.management.of_server(server).option for server in fed}
        if len(options) > 1:
            yield ("ups", ups), f"{', '.join(fed)} mix the Enterprise and the Advance option on one UPS"


def names(rig: RigFile) -> Iterator[Violation]:
    """X02: characters and length of the names of clusters, servers and groups."""
    for cluster, config in rig.clusters.items():
        for name in (cluster, *config.nodes, *config.groups):
            if not PLAIN.fullmatch(name) or len(name) > LONGEST_NAME:
                words = f"{name!r}: names of clusters, servers and groups are half-width and at most 15 characters; "
                yield ("clusters", cluster), words + "with others the service does not start"


def clocks(rig: RigFile) -> Iterator[Violation]:
    """X07: clocks of all servers agree, and no correction is near a schedule."""
    turns = [(index, turn) for index, ac in _acs(rig) for turn in ac.schedule]
    offsets = {name: server.clock_offset_s for name, server in rig.servers.items()}
    if turns and max(offsets.values()) - min(offsets.values()) > 1:
        far = max(offsets, key=lambda name: abs(offsets[name]))
        yield ("servers", far, "clock_offset_s"), "clocks of control and linked terminals differ; schedules misbehave"
    for index, turn in turns:
        for clock in rig.environment.ntp_at:
            if abs(_minutes(clock) - _minutes(turn.at)) <= NEAR_MIN:
                yield (
                    ("controllers", str(index), "schedule"),
                    f"clocks are corrected at {clock}, close to the schedule of {turn.at}",
                )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def policies(rig: RigFile) -> Iterator[Violation]:
    """X08: address, code and port are the same in all groups."""
    placed = rig.topology().placed
    for item in placed:
        first, own = placed[0].group.policy, item.group.policy
        where = ("groups", *_keys(item.under), item.name)
        if own.address != first.address:
            yield where, f"通信用IP {own.address} differs from {first.address} of {placed[0].name}; one for all groups"
        if own.code != first.code:
            yield (
                where,
                f"通信用認識コード {own.code} differs from {first.code} of {placed[0].name}; one for all groups",
            )
        if len(own.code) > LONGEST_NAME:
            yield where, f"通信用認識コード {own.code} has more than 15 characters"
        if own.port != first.port:
            yield where, f"port {own.port} differs from {first.port}; one for the whole system"
    ports = {placed[0].group.policy.port} if placed else set()
    for name, software in rig.environment.servers.items():
        if ports and software.port not in ports:
            yield ("environment", "servers", name, "port"), f"port {software.port} is not the groups' {ports.pop()}"
            return


def _keys(under: tuple[str, ...]) -> Iterator[str]:
    for name in under:
        yield name
        yield "groups"


def confirm_times(rig: RigFile) -> Iterator[Violation]:
    """X09: confirmation times of disks, linked terminals and control terminals are in order."""
    topology = rig.topology()
    for disk in topology.linked_devices:
        for ups in _own_feeds(topology, topology.users_of(disk)):
            if _confirm(rig, disk) >= _confirm(rig, ups):
                yield (
                    ("ups", disk, "confirm_s"),
                    f"the disk's {_confirm(rig, disk):g} s must be shorter than the {_confirm(rig, ups):g} s of {ups}",
                )
    terminals = _own_feeds(topology, topology.terminals)
    if len({_confirm(rig, ups) for ups in terminals}) > 1:
        yield ("ups", terminals[0], "confirm_s"), f"all UPSs of control terminals need one time: {', '.join(terminals)}"
    yield from _chain(rig, topology)


def _chain(rig: RigFile, topology: Topology) -> Iterator[Violation]:
    """SSC: terminals' UPS > terminals' disk > linked > linked disk (5.4)."""
    own_disks = [disk for disk in topology.linked_devices if set(topology.users_of(disk)) & set(topology.terminals)]
    disks = [disk for disk in topology.linked_devices if disk not in own_disks]
    if not own_disks or not disks:
        return
    steps = [_own_feeds(topology, topology.terminals), own_disks, _own_feeds(topology, topology.linked), disks]
    for longer, shorter in pairwise(steps):
        for a in longer:
            for b in shorter:
                if _confirm(rig, a) <= _confirm(rig, b):
                    words = f"{_confirm(rig, a):g} s must be longer than the {_confirm(rig, b):g} s of {b}: "
                    yield ("ups", a, "confirm_s"), words + "terminals' UPS > their disk > linked > linked disk"


def terminal_time(rig: RigFile) -> Iterator[Violation]:
    """X09: a control terminal's UPS waits long enough for all orders."""
    topology = rig.topology()
    others = _own_feeds(topology, topology.linked)
    for _, ac in _acs(rig):
        if not others:
            continue
        longest = max(_confirm(rig, ups) for ups in others)
        needed = longest + POLL_S + ac.cluster_timeout_s + ORDER_S + COMMAND_S * len(others)
        for ups in _own_feeds(topology, topology.terminals):
            if ups not in others and _confirm(rig, ups) <= needed:
                sum_of = f"{longest:g} + {POLL_S} + {ac.cluster_timeout_s:g} + {ORDER_S} + {COMMAND_S}x{len(others)}"
                words = f"{_confirm(rig, ups):g} s is not longer than {needed:g} s = {sum_of}: "
                yield ("ups", ups, "confirm_s"), words + "the terminal may go before it has ordered everything"


def recovery_modes(rig: RigFile) -> Iterator[Violation]:
    """X10: recovery settings of linked devices fit their group and cluster."""
    topology = rig.topology()
    for disk in topology.linked_devices:
        mode = topology.management.of_ups(disk).on_recovery
        companions = topology.companions_of(disk)
        if any(topology.management.of_ups(other).on_recovery != mode for other in companions):
            yield ("power_management", "ups", disk), f"all linked devices of a group need one setting, {companions}"
        form_b = bool(set(topology.users_of(disk)) & set(topology.terminals))
        if mode == "ups" and form_b and topology.cluster_of(topology.terminals[0]) is not None:
            yield (
                ("power_management", "ups", disk),
                "a disk of the control terminals themselves needs 制御端末からリブート (terminal)",
            )
        if mode == "terminal" and not form_b:
            yield ("power_management", "ups", disk), "a disk beside a control terminal needs UPSによるリブート (ups)"


def one_linked_group(rig: RigFile) -> Iterator[Violation]:
    """X11: disks of a cluster are linked devices of one group."""
    topology = rig.topology()
    if not topology.placed:
        return
    for name, cluster in rig.clusters.items():
        groups = set()
        for disk in cluster.disks:
            placed = topology.group_of(rig.disks[disk].power[0].partition("/")[0])
            groups.add(placed.name if placed is not None and placed.group.ld else "")
        if len(groups) > 1:
            yield ("clusters", name, "disks"), "the disks hang on UPSs that no one group has as linked devices"


def terminals(rig: RigFile) -> Iterator[Violation]:
    """X21: number of control terminals of a cluster without management terminal."""
    topology = rig.topology()
    for name, cluster in rig.clusters.items():
        own = [node for node in cluster.nodes if node in topology.terminals]
        wanted = 2 if len(cluster.nodes) == 2 else 3
        if own and len(own) != wanted:
            words = f"a cluster of {len(cluster.nodes)} nodes without management terminal has {wanted} "
            yield ("clusters", name, "nodes"), words + f"control terminals, not {len(own)}"


def labels(rig: RigFile) -> Iterator[Violation]:
    """X26: names of UPSs in the management software are unique, short and half-width."""
    shown: dict[str, str] = {}
    for name in rig.ups:
        label = rig.power_management.of_ups(name).label or name
        if not HALF_WIDTH.fullmatch(label) or not 0 < len(label) <= LONGEST_LABEL:
            yield ("power_management", "ups", name), f"UPS name {label!r}: at most eight half-width characters"
        if label in shown:
            yield ("power_management", "ups", name), f"UPS name {label!r} belongs to {shown[label]} already"
        shown.setdefault(label, name)


def warm_up(rig: RigFile) -> Iterator[Violation]:
    """D8: Warm-UP times are multiples of 360 s."""
    for name, values in rig.power_management.ups.items():
        if values.warm_up_s % WARM_UP_UNIT_S:
            yield ("power_management", "ups", name), f"Warm-UP time {values.warm_up_s:g} s: only multiples of 360 s"


def schedules(rig: RigFile) -> Iterator[Violation]:
    """S4: with the Advance option each server has a schedule of its own."""
    topology = rig.topology()
    for index, ac in _acs(rig):
        scheduled = {server for turn in ac.schedule for server in turn.servers}
        alone = [name for name in topology.members if topology.management.of_server(name).option == "advance"]
        missing = [name for name in alone if name not in scheduled]
        if ac.schedule and missing and len(missing) < len(alone):
            yield ("controllers", str(index), "schedule"), f"{', '.join(missing)}: each needs a schedule of its own"


def shared_ups(rig: RigFile) -> Iterator[Violation]:
    """K3: a node that shares its UPS with servers outside its cluster."""
    topology = rig.topology()
    for cluster in rig.clusters.values():
        for node in cluster.nodes:
            for ups in topology.feeds(node):
                strangers = [name for name in topology.fed_by(ups) if name not in cluster.nodes]
                if ups in topology.power_devices and strangers:
                    yield (
                        ("ups", ups),
                        f"{node} shares it with {', '.join(strangers)}: never shut down from the manager",
                    )


def command_time(rig: RigFile) -> Iterator[Violation]:
    """M5: the time for default.cmd is not shorter than the cluster's."""
    for index, item in enumerate(rig.controllers):
        if not isinstance(item, PowerChuteConfig) or item.edition != "business":
            continue
        if item.command_file_s < item.cluster_timeout_s:
            words = f"{item.command_file_s:g} s for default.cmd is shorter than the cluster's "
            yield ("controllers", str(index), "command_file_s"), words + f"{item.cluster_timeout_s:g} s"


MANAGEMENT_RULES: tuple[Row, ...] = (
    ("X01", False, "000 利用不可の構成", mixed_options),
    ("X02", False, "001 11(8)", names),
    ("X07", True, "001 11(3)", clocks),
    ("X08", False, "003 (21)(22), 1.7.4.4", policies),
    ("X09", False, "003 1.7.7(5), 001 6.2", confirm_times),
    ("X09", True, "003 1.7.7(5)", terminal_time),
    ("X10", False, "001 6.2, 003 (20)", recovery_modes),
    ("X11", False, "001 11(6)", one_linked_group),
    ("X21", False, "003 1.7.1(B)", terminals),
    ("X26", False, "003 (19)", labels),
    ("D8", False, "001 6.2(4)", warm_up),
    ("S4", True, "000", schedules),
    ("K3", True, "001 11(5), 003 1.7.7(6)", shared_ups),
    ("M5", True, "003 1.9.6(6)(10)", command_time),
)
