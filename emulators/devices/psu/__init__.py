"""A server's power supply."""

from emulators.devices.psu.model import Psu

__all__ = ["Psu"]
