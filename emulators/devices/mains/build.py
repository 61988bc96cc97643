"""The section `mains` of a rig file."""

from __future__ import annotations

from pydantic import Field

from ridethrough.emulators.bindings.device_types import Construction, DeviceType, Stage
from ridethrough.emulators.config.base import RigModel
from ridethrough.emulators.devices.mains.model import Mains


class MainsConfig(RigModel):
    """A supply from the street."""

    volts: float = Field(default=100, gt=0, le=1000)
    hertz: float = Field(default=60, gt=0, le=400)


def build(construction: Construction, name: str, config: MainsConfig) -> None:
    """Add a supply that others may be fed from."""
    mains = Mains(name, config.volts, config.hertz)
    construction.world.add(mains)
    construction.add_feed(name, mains.outlet)


DEVICE_TYPE = DeviceType("mains", 1, Stage.SOURCE, MainsConfig, build, is_feed=True)
