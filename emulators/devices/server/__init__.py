"""A server: power state and operating system."""

from ridethrough.emulators.devices.server.build import DEVICE_TYPE
from ridethrough.emulators.devices.server.guests import Guest
from ridethrough.emulators.devices.server.model import Server

__all__ = ["DEVICE_TYPE", "Guest", "Server"]
