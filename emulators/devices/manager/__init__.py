"""A manager on a cluster that receives traps."""

from emulators.devices.manager.model import Manager

__all__ = ["Manager"]
