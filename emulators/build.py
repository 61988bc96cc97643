"""Build the devices of a plant, in the order of their stages."""

from __future__ import annotations

from ridethrough.emulators.bindings.device_types import Construction, LabDevice
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.device_types import DEVICE_TYPES
from ridethrough.emulators.kernel.world import World


def build(plant: Plant, epoch_s: int) -> World[LabDevice]:
    """The world of a rig, settled. `epoch_s` is the Unix time at its start.

    Raises ProfileError for an unknown profile and LoopError for wires that never come to rest.
    """
    construction = Construction(plant.rig, plant.ports, epoch_s)
    for found in sorted(DEVICE_TYPES, key=lambda device_type: device_type.stage):
        for name, config in plant.section(found.key).items():
            found.build(construction, name, config)
    construction.world.settle()
    return construction.world
