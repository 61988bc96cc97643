"""A Smart-UPS with its network card."""

from ridethrough.emulators.bindings.profile_files import ProfileError
from ridethrough.emulators.devices.ups.build import DEVICE_TYPE
from ridethrough.emulators.devices.ups.card.card import Receiver
from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.devices.ups.profile import Profile, load_profile, profile_names
from ridethrough.emulators.devices.ups.settings import Settings

__all__ = [
    "DEVICE_TYPE",
    "EmulatedUps",
    "Profile",
    "ProfileError",
    "Receiver",
    "Settings",
    "load_profile",
    "profile_names",
]
