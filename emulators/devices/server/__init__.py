"""A server: power state and operating system."""

from ridethrough.emulators.devices.server.guests import Guest
from ridethrough.emulators.devices.server.model import Server

__all__ = ["Guest", "Server"]
