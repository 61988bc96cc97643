"""Joins emulators and gateway: rig files, scenarios, the console and the command line."""

if __name__ != "ridethrough.rigs":  # twice the same module under two names would be two different classes
    raise ImportError("this folder is the package ridethrough.rigs", name=__name__)
