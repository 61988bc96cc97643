"""A shared disk array."""

from ridethrough.emulators.devices.disk.model import Disk

__all__ = ["Disk"]
