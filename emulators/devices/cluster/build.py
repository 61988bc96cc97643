"""The section `clusters` of a rig file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from ridethrough.emulators.bindings.device_types import Construction, DeviceType, Reference, Stage
from ridethrough.emulators.config.base import Name, RigModel, Seconds
from ridethrough.emulators.devices.cluster.model import Cluster


class ClusterConfig(RigModel):
    """A failover cluster."""

    nodes: tuple[Name, ...] = Field(min_length=2, max_length=16)
    kind: Literal["shared", "mirror"] = "shared"
    """With shared disks, or with mirrored disks of the nodes' own."""
    disks: tuple[Name, ...] = ()
    """Shared disks without which a node that starts has to wait."""
    groups: dict[Name, Name] = Field(default_factory=dict)
    """Failover groups, each with the node it is at home on."""
    shutdown_s: Seconds = 40
    """Time that a cluster shutdown takes."""

    @model_validator(mode="after")
    def _homes(self) -> Self:
        for group, home in self.groups.items():
            if home not in self.nodes:
                raise ValueError(f"groups.{group}: {home!r} is no node; accepted: {', '.join(self.nodes)}")
        if self.kind == "mirror" and self.disks:
            raise ValueError("a mirror cluster has no shared disks")
        return self


def build(construction: Construction, name: str, config: ClusterConfig) -> None:
    """Add a cluster that sees its servers and its shared disks."""
    cluster = Cluster(name, config.nodes, config.disks, config.groups, config.shutdown_s)
    world = construction.world
    world.add(cluster)
    for node, port in cluster.hosts.items():
        server = construction.nodes[node]
        world.connect(server.host, port)
        world.connect(cluster.orders[node], server.agent)
    for shared, seen in cluster.disks.items():
        world.connect(construction.ready[shared], seen)


def references(config: ClusterConfig) -> Iterable[Reference]:
    """Name the nodes and the shared disks."""
    yield from (Reference("nodes", node, "servers") for node in config.nodes)
    yield from (Reference("disks", disk, "disks") for disk in config.disks)


DEVICE_TYPE = DeviceType(
    "clusters", 5, Stage.CLUSTER, ClusterConfig, build, references=references, agents=frozenset({Cluster.kind})
)
