"""Lookups over power-control groups, and the plans for outages and power-off that follow from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ridethrough.emulators.devices.cluster.build import ClusterConfig
from ridethrough.emulators.devices.server.config import ServerConfig
from ridethrough.rigs.power_groups import Group, GroupPolicy, Placed, PowerManagement, walk


class Topology:
    """Lookups over the tree. Names are those of the rig file, in its order."""

    def __init__(
        self,
        groups: Mapping[str, Group],
        servers: Mapping[str, ServerConfig],
        clusters: Mapping[str, ClusterConfig],
        management: PowerManagement,
    ) -> None:
        self.placed: list[Placed] = list(walk(groups))
        self.management = management
        self.clusters = clusters
        self._servers = servers
        self.terminals: list[str] = [name for item in self.placed for name in item.group.ct]
        self.linked: list[str] = [name for item in self.placed for name in item.group.lt]
        self.power_devices: list[str] = [name for item in self.placed for name in item.group.pd]
        self.linked_devices: list[str] = [name for item in self.placed for name in item.group.ld]

    @property
    def guests(self) -> dict[str, dict[str, int]]:
        """Ranks of the virtual machines of each host."""
        return {
            name: {guest: item.rank for guest, item in server.guests.items()} for name, server in self._servers.items()
        }

    @property
    def members(self) -> list[str]:
        """Every server in the tree."""
        return [*self.terminals, *self.linked]

    def cluster_of(self, server: str) -> str | None:
        """Return the cluster of a server; None outside all clusters."""
        return next((name for name, cluster in self.clusters.items() if server in cluster.nodes), None)

    def feeds(self, server: str) -> list[str]:
        """Return the UPSs or other feeds of a server's power supplies, each once."""
        return list(dict.fromkeys(feed.partition("/")[0] for feed in self._servers[server].power))

    def fed_by(self, ups: str) -> list[str]:
        """Return servers of the tree with a power supply on this UPS."""
        return [server for server in self.members if ups in self.feeds(server)]

    def group_of(self, device: str) -> Placed | None:
        """Return the group of a UPS or a server; None outside all groups."""
        for item in self.placed:
            if device in (*item.group.pd, *item.group.ld, *item.group.ct, *item.group.lt):
                return item
        return None

    def policy_of(self, device: str) -> GroupPolicy:
        """Return the policy of its group; the default outside all groups."""
        placed = self.group_of(device)
        return placed.group.policy if placed is not None else GroupPolicy()

    def within(self, name: str) -> list[str]:
        """Return the servers of a group and of all groups below it."""
        return [
            server
            for item in self.placed
            if item.name == name or name in item.under
            for server in (*item.group.ct, *item.group.lt)
        ]

    def users_of(self, linked_device: str) -> list[str]:
        """Return servers that need what a linked device feeds: those of its group (requirements 4.1).

        Without shared disks they are those that hang on it themselves, as in the mixed mode (000, ③ to ⑤).
        """
        placed = self.group_of(linked_device)
        members = [] if placed is None else self.within(placed.name)
        fed = [server for server in members if linked_device in self.feeds(server)]
        shared = any(cluster.disks for cluster in self.clusters.values() if set(cluster.nodes) & set(members))
        return members if shared or not fed else fed

    def companions_of(self, linked_device: str) -> list[str]:
        """Return the linked devices of one group, by Warm-UP rank: a lower one starts first (requirements 5.4)."""
        placed = self.group_of(linked_device)
        names = () if placed is None else placed.group.ld
        return sorted(names, key=lambda name: self.management.of_ups(name).warm_up_rank)


def backup_heartbeats(node: str, server: ServerConfig) -> dict[str, str]:
    """Return the LAN heartbeats of a node beside the first one, as devices of the gateway with their addresses.

    The sample cluster of 004 has two: dedicated and backup.
    """
    return {f"{node}.lan{at}": address for at, address in enumerate(server.other_addresses, 2)}


class ShutdownPlan(NamedTuple):
    """An orderly shutdown: clusters stop, servers shut down, outputs go off, control terminals go last."""

    cause: str
    clusters: tuple[str, ...]
    servers: tuple[str, ...]
    outputs: tuple[str, ...]
    linked_devices: tuple[str, ...]
    """Those of `outputs` that feed shared devices; they go last."""
    returns: bool = False
    """Servers come back at once and wait for their disks (制御端末からリブートする)."""
    restores: bool = False
    """True for an outage: all that it ends is to run again with good mains (001 section 9.1, 003 section 1.7.5.1)."""


def plan_outage(topology: Topology, ups: str, without_input: Iterable[str]) -> ShutdownPlan:
    """Return the plan for an outage of `ups`, while those in `without_input` have lost their input, too.

    A linked device concerns everybody who uses it (5.2, 5.4). A server's own UPS concerns that server, and the whole
    cluster once all its nodes are without input (5.2: core equipment, or all servers; 5.5 M1 to M3).
    """
    lost = {ups, *without_input}
    if ups in topology.linked_devices:
        servers = topology.users_of(ups)
        disks = topology.companions_of(ups)
        returns = topology.management.of_ups(ups).on_recovery == "terminal"
        return _plan(topology, ups, servers, disks)._replace(returns=returns, restores=True)
    servers = [name for name in topology.fed_by(ups) if set(topology.feeds(name)) <= lost]
    for cluster in topology.clusters.values():
        concerned = [node for node in cluster.nodes if node in servers]
        if concerned and all(set(topology.feeds(node)) <= lost for node in cluster.nodes):
            servers += [node for node in cluster.nodes if node not in servers and node in topology.members]
    return _plan(topology, ups, servers, [])._replace(restores=True)


def joined(plans: Sequence[ShutdownPlan]) -> ShutdownPlan:
    """Return one plan for outages that are confirmed together, so that control terminals go last (5.1, H4)."""
    linked = tuple(dict.fromkeys(ups for plan in plans for ups in plan.linked_devices))
    outputs = dict.fromkeys(ups for plan in plans for ups in plan.outputs if ups not in linked)
    return ShutdownPlan(
        plans[0].cause,
        tuple(dict.fromkeys(name for plan in plans for name in plan.clusters)),
        tuple(dict.fromkeys(name for plan in plans for name in plan.servers)),
        (*outputs, *linked),
        linked,
        any(plan.returns for plan in plans),
        any(plan.restores for plan in plans),
    )


def plan_off(
    topology: Topology, cause: str, servers: Sequence[str], idle: Iterable[str] = (), *, regardless: bool = False
) -> ShutdownPlan:
    """Return the plan to switch servers off: by schedule, over the network, or for an application (5.6).

    An output that feeds others goes off only when those are `idle` (4.5: each server by itself on a shared UPS);
    `regardless` of them after an order of the cluster's manager (001 section 11(5), 003 section 1.7.7(6)).
    """
    unused = {*servers, *idle}
    disks = [
        name
        for name in topology.linked_devices
        if (users := topology.users_of(name)) and unused.issuperset([*users, *topology.fed_by(name)])
    ]
    return _plan(topology, cause, list(servers), disks, topology.members if regardless else idle)


def _plan(
    topology: Topology, cause: str, servers: list[str], disks: list[str], idle: Iterable[str] = ()
) -> ShutdownPlan:
    unused = {*servers, *idle}
    clusters = [name for name, cluster in topology.clusters.items() if all(node in servers for node in cluster.nodes)]
    outputs = [
        ups
        for ups in topology.power_devices
        if any(ups in topology.feeds(server) for server in servers) and unused.issuperset(topology.fed_by(ups))
    ]
    return ShutdownPlan(cause, tuple(clusters), tuple(servers), (*outputs, *disks), tuple(disks))
