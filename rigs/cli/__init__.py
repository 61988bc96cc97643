"""The command line."""

from ridethrough.rigs.cli.main import main

__all__ = ["main"]
