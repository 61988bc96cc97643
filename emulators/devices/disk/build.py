"""The section `disks` of a rig file."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from ridethrough.emulators.bindings.device_types import Among, Construction, DeviceType, Reference, Stage
from ridethrough.emulators.config.base import Feed, RigModel, Seconds
from ridethrough.emulators.devices.disk.model import Disk


class DiskConfig(RigModel):
    """A shared disk array."""

    power: tuple[Feed, ...] = Field(min_length=1, max_length=2)
    """Two for a redundant disk, fed by the UPSs of both servers (003 sections 1.8.1 and 1.9.1)."""
    spin_up_s: Seconds = 90
    load_w: float = Field(default=150, ge=0)


def build(construction: Construction, name: str, config: DiskConfig) -> None:
    """Add a disk array on its feeds."""
    disk = Disk(name, config.spin_up_s, config.load_w, len(config.power))
    construction.world.add(disk)
    for feed, inlet in zip(config.power, disk.inlets, strict=True):
        construction.plug(feed, name, inlet)
    construction.ready[name] = disk.ready


def references(config: DiskConfig) -> Iterable[Reference]:
    """Name the feeds."""
    yield from (Reference("power", feed, Among.FEEDS, feeds=True) for feed in config.power)


DEVICE_TYPE = DeviceType(
    "disks", 4, Stage.STORAGE, DiskConfig, build, references=references, agents=frozenset({Disk.kind})
)
