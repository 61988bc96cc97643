"""The section `intelligent_ups` of a rig file."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from ridethrough.emulators.bindings.device_types import Construction, DeviceType, Reference, Stage
from ridethrough.emulators.config.base import Name, RigModel, Seconds
from ridethrough.emulators.devices.intelligent_ups.model import IntelligentUps


class IntelligentUpsConfig(RigModel):
    """A UPS with an AUTO/LOCAL switch, without a network card: its controller reaches it by its serial line."""

    mains: Name
    nodes: int = Field(default=1, ge=1, le=16)
    """Servers that its interfaces serve."""
    lan_board: bool = False
    line_board: bool = False
    """The V.24 board, whose line signal switches."""
    hold_s: Seconds = 600
    """Time that its battery lasts; no document says."""
    off_delay_s: Seconds = 120
    """From the order to its outlets going off; no document says."""


def build(construction: Construction, name: str, config: IntelligentUpsConfig) -> None:
    """Add one on its mains; others may be fed from it."""
    ups = IntelligentUps(
        name,
        hold_s=config.hold_s,
        off_delay_s=config.off_delay_s,
        lan_board=config.lan_board,
        line_board=config.line_board,
    )
    construction.world.add(ups)
    construction.plug(config.mains, name, ups.inlet)
    construction.add_feed(name, ups.outlet)


def references(config: IntelligentUpsConfig) -> Iterable[Reference]:
    """Name the mains."""
    yield Reference("mains", config.mains, "mains", feeds=True)


DEVICE_TYPE = DeviceType(
    "intelligent_ups",
    8,
    Stage.FEED,
    IntelligentUpsConfig,
    build,
    is_feed=True,
    references=references,
    agents=frozenset({IntelligentUps.kind}),
)
