"""A manager on a cluster that receives traps."""

from ridethrough.emulators.devices.manager.build import DEVICE_TYPE
from ridethrough.emulators.devices.manager.model import Manager

__all__ = ["DEVICE_TYPE", "Manager"]
