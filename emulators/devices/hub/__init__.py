"""A network hub."""

from ridethrough.emulators.devices.hub.model import Hub

__all__ = ["Hub"]
