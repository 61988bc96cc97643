"""A baseboard management controller of the Express5800/A1080a class."""

from emulators.devices.bmc.model import AlertDestination, Bmc, User

__all__ = ["AlertDestination", "Bmc", "User"]
