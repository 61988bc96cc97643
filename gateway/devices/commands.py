"""The commands a controller may give, by kind of device."""

from __future__ import annotations

from typing import Any, Protocol


class CommandError(Exception):
    """A command that was not carried out. One line that says why."""


class Commander(Protocol):
    """Carries out the commands of one device."""

    names: tuple[str, ...]

    async def run(self, command: str, params: dict[str, Any]) -> str:
        """Carry a command out and say in one line what was done. Raises CommandError."""

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command or parameters that can never work."""
