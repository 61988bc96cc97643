"""Hears devices, loses nothing, tells controllers, and carries their commands back."""

if __name__ != "ridethrough.gateway":  # twice the same module under two names would be two different classes
    raise ImportError("this folder is the package ridethrough.gateway", name=__name__)
