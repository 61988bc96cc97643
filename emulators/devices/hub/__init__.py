"""A network hub."""

from emulators.devices.hub.model import Hub

__all__ = ["Hub"]
