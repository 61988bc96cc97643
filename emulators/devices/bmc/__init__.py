"""A baseboard management controller: IPMI, sensors, log, alerts and the recovery link."""

from ridethrough.emulators.bindings.profile_files import ProfileError
from ridethrough.emulators.devices.bmc.device import EmulatedBmc
from ridethrough.emulators.devices.bmc.lan import AlertDestination
from ridethrough.emulators.devices.bmc.model import Bmc, BmcOptions, InitialUser
from ridethrough.emulators.devices.bmc.profile import load_profile, profile_names
from ridethrough.emulators.devices.bmc.recovery_hold import HoldSettings

__all__ = [
    "AlertDestination",
    "Bmc",
    "BmcOptions",
    "EmulatedBmc",
    "HoldSettings",
    "InitialUser",
    "ProfileError",
    "load_profile",
    "profile_names",
]
