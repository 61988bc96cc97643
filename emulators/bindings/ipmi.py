"""Rows that describe the commands of a management controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wire.ipmi.message import Completion, Privilege, Request
from wire.ipmi.session import Session

Answer = tuple[int, bytes]


class Command(NamedTuple):
    """One command: who may give it, how long its data may be, and what it does.

    The handler gets the data and the session (None outside sessions) and returns completion code and data.
    """

    name: str
    privilege: Privilege
    shortest: int
    longest: int
    run: Callable[[bytes, Session | None], Answer]


Table = dict[tuple[int, int], Command]


def dispatch(table: Table, request: Request, session: Session | None) -> Answer:
    """Look the command up, check privilege and length, run it (IPMI 2.0 table 5-2 for the refusals)."""
    command = table.get((request.netfn, request.command))
    if command is None:
        # Outside sessions even "no such command" is withheld: only what the table marks so is served there.
        return (Completion.INVALID_COMMAND if session else Completion.INSUFFICIENT_PRIVILEGE), b""
    held = session.privilege if session and session.active else Privilege.NONE
    if held < command.privilege:
        return Completion.INSUFFICIENT_PRIVILEGE, b""
    if not command.shortest <= len(request.data) <= command.longest:
        return Completion.LENGTH_INVALID, b""
    return command.run(request.data, session)


def ok(data: bytes = b"") -> Answer:
    """Success."""
    return Completion.OK, data


def refuse(code: int) -> Answer:
    """A completion code without data."""
    return code, b""
