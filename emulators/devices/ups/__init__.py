"""A Smart-UPS with its network card."""

from emulators.devices.ups.model import Ups
from emulators.devices.ups.profile import Profile, ProfileError, load_profile, profile_names
from emulators.devices.ups.settings import Settings

__all__ = ["Profile", "ProfileError", "Settings", "Ups", "load_profile", "profile_names"]
