"""A Smart-UPS with its network card."""

from emulators.bindings.profile_files import ProfileError
from emulators.devices.ups.card import Receiver
from emulators.devices.ups.model import Ups
from emulators.devices.ups.outlet_groups import indexes_of
from emulators.devices.ups.profile import Profile, load_profile, profile_names
from emulators.devices.ups.settings import Settings

__all__ = ["Profile", "ProfileError", "Receiver", "Settings", "Ups", "indexes_of", "load_profile", "profile_names"]
