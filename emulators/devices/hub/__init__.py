"""A network hub."""

from ridethrough.emulators.devices.hub.build import DEVICE_TYPE
from ridethrough.emulators.devices.hub.model import Hub

__all__ = ["DEVICE_TYPE", "Hub"]
