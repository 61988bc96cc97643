"""Joins emulators and gateway: rig files, scenarios, the console and the command line."""
