"""A failover cluster as its software on the nodes shows it. Who fails over, and when, a controller decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from ridethrough.emulators.bindings.chassis import HostState, OsOrder, OsState, OsTask
from ridethrough.emulators.bindings.inputs import Input, InputError, Inputs, NoEffectError, plain
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.emulators.kernel.world import Port


class Node(StrEnum):
    """State of the cluster software on a node."""

    OFFLINE = "offline"  # its operating system does not run
    WAITING = "waiting"  # started without its shared disks; it looks for them once, when it starts
    ONLINE = "online"
    STOPPING = "stopping"
    STOPPED = "stopped"  # out of the cluster, the operating system still runs


class Cluster:
    """`hosts` and `disks` are what the cluster sees of its nodes and shared disks; `orders` the orders to the nodes."""

    kind = "cluster"

    def __init__(
        self, name: str, nodes: tuple[str, ...], disks: tuple[str, ...], groups: Mapping[str, str], shutdown_s: float
    ) -> None:
        """`groups` maps each failover group to the node where it is at home."""
        self.name = name
        self.hosts = {node: Port(name, node, HostState(powered=True, os=OsState.RUNNING)) for node in nodes}
        self.disks = {disk: Port(name, disk, True) for disk in disks}
        self.orders = {node: Port(name, f"{node}.order", OsOrder(0, OsTask.SHUTDOWN)) for node in nodes}
        self.nodes = dict.fromkeys(nodes, Node.ONLINE)
        self._homes = dict(groups)
        self.groups: dict[str, str | None] = dict(groups)
        self._shutdown_s = shutdown_s
        self._stopped_at: Instant | None = None
        self._hangs = False
        self._after: OsTask | None = None  # what the nodes do once the cluster has stopped
        self._serial = 0
        self.leaving: list[str] = []  # nodes that the manager shuts down
        self.inputs = Inputs(
            {
                "stop": plain("the cluster stops in order on all nodes", lambda now: self._stop(now, None)),
                "shutdown": plain(
                    "cluster shutdown from the manager: stop, then every node shuts down",
                    lambda now: self._stop(now, OsTask.SHUTDOWN),
                ),
                "reboot": plain(
                    "cluster reboot from the manager: stop, then every node restarts",
                    lambda now: self._stop(now, OsTask.REBOOT),
                ),
                "shutdown_node": Input("server shutdown of NODE from the manager", self._shutdown_node),
                "move": Input("GROUP moves to NODE", self._move),
                "hang": plain("the next stop never ends", self._hang),
            }
        )

    # --- inputs -----------------------------------------------------------------------------------------------

    def _in(self, *states: Node) -> list[str]:
        return [node for node, state in self.nodes.items() if state in states]

    def _stop(self, now: Instant, then: OsTask | None) -> None:
        up = self._in(Node.ONLINE, Node.WAITING)  # 001 section 9.2(1): one that waits for its disks can be stopped, too
        if not up:
            raise NoEffectError(f"{self.name} does not run")
        for node in up:
            self.nodes[node] = Node.STOPPING
        self._after = then
        self._stopped_at = None if self._hangs else after(now, self._shutdown_s)

    def _hang(self, _now: Instant) -> None:
        if not self._in(Node.ONLINE):
            raise NoEffectError(f"{self.name} does not run")
        self._hangs = True

    def _shutdown_node(self, args: list[str], _now: Instant) -> None:
        if len(args) != 1 or args[0] not in self.nodes:
            raise InputError(f"expected NODE; accepted: {', '.join(self.nodes)}")
        self.leaving.append(args[0])
        self._order_node(args[0], OsTask.SHUTDOWN)

    def _move(self, args: list[str], _now: Instant) -> None:
        if len(args) != 2 or args[0] not in self.groups or args[1] not in self.nodes:
            raise InputError(f"expected GROUP NODE; groups: {', '.join(self.groups)}; nodes: {', '.join(self.nodes)}")
        group, node = args
        if self.nodes[node] is not Node.ONLINE:
            raise NoEffectError(f"{node} is {self.nodes[node]}, so {group} cannot run there")
        self.groups[group] = node

    def _order_node(self, node: str, task: OsTask) -> None:
        self._serial += 1
        self.orders[node].value = OsOrder(self._serial, task)

    # --- time -------------------------------------------------------------------------------------------------

    def advance(self, now: Instant) -> None:
        """End a stop that has taken its time; then the nodes get their task, if they are to have one."""
        if self._stopped_at is None or self._stopped_at > now:
            return
        self._stopped_at = None
        for node in self._in(Node.STOPPING):
            self.nodes[node] = Node.STOPPED
            if self._after is not None:
                self._order_node(node, self._after)
        self.groups = dict.fromkeys(self.groups)

    def react(self, now: Instant) -> None:
        """Let each node follow its server and the shared disks; start groups that run nowhere on an online node."""
        for node, port in self.hosts.items():
            self._follow_os(node, port.value.os)
        if not self._in(Node.STOPPING):
            self._stopped_at = None
            self._hangs = self._hangs and bool(self._in(Node.ONLINE))
        online = self._in(Node.ONLINE)
        for group, place in self.groups.items():
            if place is None and online:
                home = self._homes[group]
                self.groups[group] = home if home in online else online[0]

    def _follow_os(self, node: str, os: OsState) -> None:
        """Follow the operating system of a node."""
        match os:
            case OsState.RUNNING if self.nodes[node] is Node.OFFLINE:
                ready = all(port.value for port in self.disks.values())
                self.nodes[node] = Node.ONLINE if ready else Node.WAITING
            case OsState.SHUTTING_DOWN if self.nodes[node] is Node.ONLINE:
                self._leave(node)
            case OsState.OFF | OsState.BOOTING | OsState.HUNG:
                self.nodes[node] = Node.OFFLINE
                if os is OsState.BOOTING and node in self.leaving:
                    self.leaving.remove(node)

    def _leave(self, node: str) -> None:
        """A node that shuts down in order gives its groups away; one that is cut off does not."""
        self.nodes[node] = Node.STOPPED
        for group, place in self.groups.items():
            if place == node:
                self.groups[group] = next(iter(self._in(Node.ONLINE)), None)

    def next_deadline(self) -> Instant | None:
        """Return the end of a stop under way; None while none is, or while it hangs."""
        return self._stopped_at

    def ports(self) -> Iterable[Port[Any]]:
        """The ports with orders to the nodes."""
        return self.orders.values()

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state of the cluster, its nodes and its groups, as JSON."""
        running = {group: place for group, place in self.groups.items() if place and self.nodes[place] is Node.ONLINE}
        return {
            "state": self._state(),
            "nodes": {node: state.value for node, state in self.nodes.items()},
            "groups": dict(self.groups),
            "running": running,
            "leaving": list(self.leaving),
            "manager": self._after.value if self._after is not None and self._in(Node.STOPPING, Node.STOPPED) else None,
        }

    def _state(self) -> str:
        for state, word in (
            (Node.STOPPING, "stopping"),
            (Node.ONLINE, "running"),
            (Node.WAITING, "waiting"),
            (Node.STOPPED, "stopped"),
        ):
            if self._in(state):
                return word
        return "offline"
