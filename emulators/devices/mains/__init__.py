"""The supply from the street."""

from ridethrough.emulators.devices.mains.model import Mains

__all__ = ["Mains"]
