"""A server: power state and operating system."""

from emulators.devices.server.guests import Guest
from emulators.devices.server.model import Server

__all__ = ["Guest", "Server"]
