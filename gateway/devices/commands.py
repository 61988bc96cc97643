"""Commands that a controller may give, and the protocol of the objects that carry them out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, get_args, get_origin, get_type_hints

import msgspec


class CommandError(Exception):
    """A command that was not carried out; the message is one line that says why.

    `unreachable` when the device did not answer, so that it is unknown whether it got the command.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class Done(NamedTuple):
    """The result of a command in one line, and the details that the device gave."""

    text: str
    details: Mapping[str, Any] = MappingProxyType({})


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


class Commander(Protocol):
    """Carries out the commands of one device."""

    names: tuple[str, ...]

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Carry a command out and wait for the device's answer. Raises CommandError."""

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command or parameters that can never work."""

    def repeatable(self, command: str) -> bool:
        """True for commands that do the same given twice as given once."""


S = TypeVar("S", bound=msgspec.Struct)


def parse_parameters(who: str, shapes: Mapping[str, type[S]], command: str, params: dict[str, Any]) -> S:
    """Convert the parameters of a command to its struct in `shapes`. Raises CommandError with what is accepted."""
    shape = shapes.get(command)
    if shape is None:
        raise CommandError(f"{who} does not take {command!r}; accepted: {', '.join(shapes)}")
    try:
        return msgspec.convert(params, shape, strict=False)  # numbers may come as text
    except msgspec.ValidationError as error:
        raise CommandError(f"{command}: {error}; accepted: {_accepted(shape)}") from None


def _accepted(shape: type[msgspec.Struct]) -> str:
    """The names of the parameters, with the words that an enumerated one accepts."""
    words = []
    for name, hint in get_type_hints(shape).items():
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        words.append(f"{name}: {'|'.join(choices)}" if choices else name)
    return ", ".join(words) or "no parameters"
