"""A server's power supply."""

from ridethrough.emulators.devices.psu.model import Psu

__all__ = ["Psu"]
