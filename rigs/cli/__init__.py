"""The command line."""

from rigs.cli.main import main

__all__ = ["main"]
