"""A server: power state and operating system."""

from emulators.devices.server.model import Server

__all__ = ["Server"]
