"""A shared disk array."""

from emulators.devices.disk.model import Disk

__all__ = ["Disk"]
