"""Rules about groups, names, schedules and recovery settings (requirements sections 4 and 5). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ridethrough.rigs.checks.rows import Row, Violation, acs
from ridethrough.rigs.rigfile.schema import RigFile

WARM_UP_UNIT_S = 360
LONGEST_NAME = 15
LONGEST_LABEL = 8
NEAR_MIN = 10  # a correction of a clock so near to a schedule may run it twice, or never
HALF_WIDTH = re.compile(r"[\x20-\x7e]*")
PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def names(rig: RigFile) -> Iterator[Violation]:
    """X02: characters and length of the names of clusters, servers and groups."""
    for cluster, config in rig.clusters.items():
        for name in (cluster, *config.nodes, *config.groups):
            if not PLAIN.fullmatch(name) or len(name) > LONGEST_NAME:
                words = f"{name!r}: names of clusters, servers and groups are half-width and at most 15 characters; "
                yield ("clusters", cluster), words + "with others the service does not start"


def clocks(rig: RigFile) -> Iterator[Violation]:
    """X07: clocks of all servers agree, and no correction is near a schedule."""
    turns = [(index, turn) for index, ac in acs(rig) for turn in ac.schedule]
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


MANAGEMENT_RULES: tuple[Row, ...] = (
    ("X02", False, "001 11(8)", names),
    ("X07", True, "001 11(3)", clocks),
    ("X10", False, "001 6.2, 003 (20)", recovery_modes),
    ("X11", False, "001 11(6)", one_linked_group),
    ("X21", False, "003 1.7.1(B)", terminals),
    ("X26", False, "003 (19)", labels),
    ("D8", False, "001 6.2(4)", warm_up),
    ("K3", True, "001 11(5), 003 1.7.7(6)", shared_ups),
)
