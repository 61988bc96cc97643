"""A shared disk array."""

from ridethrough.emulators.devices.disk.build import DEVICE_TYPE
from ridethrough.emulators.devices.disk.model import Disk

__all__ = ["DEVICE_TYPE", "Disk"]
