"""The supply from the street."""

from emulators.devices.mains.model import Mains

__all__ = ["Mains"]
