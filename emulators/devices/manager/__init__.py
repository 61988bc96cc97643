"""A manager on a cluster that receives traps."""

from ridethrough.emulators.devices.manager.model import Manager

__all__ = ["Manager"]
