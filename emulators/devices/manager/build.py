"""The section `managers` of a rig file."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from ridethrough.emulators.bindings.device_types import Construction, DeviceType, Stage
from ridethrough.emulators.config.base import Address, Name, Port, RigModel
from ridethrough.emulators.devices.manager.model import Manager


class ManagerConfig(RigModel):
    """A manager on a cluster that receives traps: an address of each node, and one that floats with the service."""

    nodes: dict[Name, Address] = Field(min_length=1, max_length=16)
    floating: Address
    port: Port = 162


def build(construction: Construction, name: str, config: ManagerConfig) -> None:
    """Add a manager that knows the devices that send traps."""
    construction.world.add(Manager(name, config.nodes, config.floating, construction.trap_sources, config.port))


def addresses(config: ManagerConfig) -> Iterable[str]:
    """Name the addresses of the nodes and the one that floats."""
    yield from config.nodes.values()
    yield config.floating


DEVICE_TYPE = DeviceType("managers", 7, Stage.MANAGER, ManagerConfig, build, addresses=addresses)
