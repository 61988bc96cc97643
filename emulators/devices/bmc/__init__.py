"""A baseboard management controller: IPMI, sensors, log, alerts and the recovery link."""

from ridethrough.emulators.bindings.profile_files import ProfileError
from ridethrough.emulators.devices.bmc.lan import Destination
from ridethrough.emulators.devices.bmc.model import Bmc, LinkSettings, User
from ridethrough.emulators.devices.bmc.profile import load_profile, profile_names

__all__ = ["Bmc", "Destination", "LinkSettings", "ProfileError", "User", "load_profile", "profile_names"]
