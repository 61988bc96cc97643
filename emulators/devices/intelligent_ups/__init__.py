"""A UPS with an AUTO/LOCAL switch and no network card."""

from ridethrough.emulators.devices.intelligent_ups.build import DEVICE_TYPE
from ridethrough.emulators.devices.intelligent_ups.model import IntelligentUps

__all__ = ["DEVICE_TYPE", "IntelligentUps"]
