"""A Smart-UPS with its network card."""

from emulators.devices.ups.model import Ups
from emulators.devices.ups.profile import Profile, ProfileError, load_profile, profile_names

__all__ = ["Profile", "ProfileError", "Ups", "load_profile", "profile_names"]
