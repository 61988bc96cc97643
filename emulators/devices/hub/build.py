"""The section `hubs` of a rig file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from ridethrough.emulators.bindings.device_types import Among, Construction, DeviceType, Reference, Stage
from ridethrough.emulators.config.base import Feed, RigModel
from ridethrough.emulators.devices.hub.model import Hub


class HubConfig(RigModel):
    """A network hub; what hangs on it is silent while the hub has no power."""

    power: Feed
    serves: tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}(\.bmc)?$")], ...] = Field(min_length=1)
    load_w: float = Field(default=20, ge=0)
    """No document says."""


def build(construction: Construction, name: str, config: HubConfig) -> None:
    """Add a hub on its feed."""
    hub = Hub(name, config.serves, config.load_w)
    construction.world.add(hub)
    construction.plug(config.power, name, hub.inlet)


def references(config: HubConfig) -> Iterable[Reference]:
    """Name the feed and what hangs on the hub."""
    yield Reference("power", config.power, Among.FEEDS, feeds=True)
    yield from (Reference("serves", served, Among.REACHABLE) for served in config.serves)


DEVICE_TYPE = DeviceType("hubs", 6, Stage.CONSUMER, HubConfig, build, references=references)
