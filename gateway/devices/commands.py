"""The commands a controller may give, by kind of device."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


class CommandError(Exception):
    """A command that was not carried out. One line that says why."""


class Done(NamedTuple):
    """What was done, in one line, and what else the device said."""

    text: str
    details: Mapping[str, Any] = MappingProxyType({})


class Commander(Protocol):
    """Carries out the commands of one device."""

    names: tuple[str, ...]

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Carry a command out. Raises CommandError."""

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command or parameters that can never work."""
