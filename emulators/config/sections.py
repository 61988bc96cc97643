"""The sections that other code reads by name, for the type checker only: at run time, each folder brings its own."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ridethrough.emulators.config.base import Name, RigModel
from ridethrough.emulators.devices.cluster.build import ClusterConfig
from ridethrough.emulators.devices.disk.build import DiskConfig
from ridethrough.emulators.devices.hub.build import HubConfig
from ridethrough.emulators.devices.intelligent_ups.build import IntelligentUpsConfig
from ridethrough.emulators.devices.mains.build import MainsConfig
from ridethrough.emulators.devices.manager.build import ManagerConfig
from ridethrough.emulators.devices.server.config import ServerConfig
from ridethrough.emulators.devices.ups.config import UpsConfig


class Sections(RigModel):
    """Devices by type and name."""

    rig: str
    seed: int = 1
    mains: dict[Name, MainsConfig] = Field(default_factory=dict)
    ups: Mapping[Name, UpsConfig] = Field(default_factory=dict)
    servers: dict[Name, ServerConfig] = Field(default_factory=dict)
    disks: dict[Name, DiskConfig] = Field(default_factory=dict)
    clusters: dict[Name, ClusterConfig] = Field(default_factory=dict)
    hubs: dict[Name, HubConfig] = Field(default_factory=dict)
    managers: dict[Name, ManagerConfig] = Field(default_factory=dict)
    intelligent_ups: dict[Name, IntelligentUpsConfig] = Field(default_factory=dict)
