"""Stand-ins for devices and the plant around them."""

if __name__ != "ridethrough.emulators":  # twice the same module under two names would be two different classes
    raise ImportError("this folder is the package ridethrough.emulators", name=__name__)
