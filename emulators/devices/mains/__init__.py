"""The supply from the street."""

from ridethrough.emulators.devices.mains.build import DEVICE_TYPE
from ridethrough.emulators.devices.mains.model import Mains

__all__ = ["DEVICE_TYPE", "Mains"]
