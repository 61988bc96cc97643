"""Rows that describe the commands of a management controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ridethrough.wire.ipmi.message import Completion, IpmiRequest, NetFn, Privilege
from ridethrough.wire.ipmi.session import Session

Answer = tuple[int, bytes]
# Called with the controller, the data of the request and the session (None outside sessions).
Handler = Callable[[Any, bytes, Session | None], Answer]
MAX_STEADY = 64
# Octets at the head of data that say whose command it is; every answer repeats them (IPMI 2.0 table 5-1).
BODY_OCTETS: dict[int, int] = {NetFn.GROUP: 1, NetFn.OEM: 3}


class IpmiCommand(NamedTuple):
    """One command: who may give it, how long its data may be, and what it does.

    Lengths are those behind the octets that name the defining body, where there are such.
    """

    name: str
    privilege: Privilege
    shortest: int
    longest: int
    run: Handler
    steady: bool = False
    """True if the answer hangs on the controller's state and the data alone: neither on time nor on the session."""
    changes: bool = False
    """True if it may change what the controller keeps, drives, sends or shows, be it in the answer of another command.

    A reservation, which only its holder can tell from another, is no change.
    """


# By network function, command, and defining body or enterprise (0 for the commands of IPMI itself).
Table = dict[tuple[int, int, int], IpmiCommand]


def dispatch(table: Table, controller: object, request: IpmiRequest, session: Session | None) -> Answer:
    """Look the command up, check privilege and length, run it (IPMI 2.0 table 5-2 for the refusals)."""
    data = request.data
    body, number = b"", 0
    if count := BODY_OCTETS.get(request.netfn, 0):
        body, data = data[:count], data[count:]
        if len(body) < count:
            return Completion.LENGTH_INVALID, b""
        number = int.from_bytes(body, "little")
    command = table.get((request.netfn, request.command, number))
    if command is None:
        # Outside sessions even "no such command" is withheld: only what the table marks so is served there.
        return (Completion.INVALID_COMMAND if session else Completion.INSUFFICIENT_PRIVILEGE), body
    held = session.privilege if session and session.active else Privilege.NONE
    if held < command.privilege:
        return Completion.INSUFFICIENT_PRIVILEGE, body
    if not command.shortest <= len(data) <= command.longest:
        return Completion.LENGTH_INVALID, body
    code, answer = command.run(controller, data, session)
    return code, body + answer


class SteadyAnswers:
    """Answers of steady commands, given again as long as nothing has changed, to sessions with the privilege."""

    def __init__(self, steady: frozenset[tuple[int, int]]) -> None:
        """`steady` has the network functions and commands that the table marks so."""
        self._commands = steady
        self._known: dict[tuple[Any, ...], tuple[Privilege, Answer]] = {}  # with the privilege that they took

    def answer(self, request: IpmiRequest, session: Session | None) -> Answer | None:
        """Return the earlier answer to the same request; None if there is none, or none that this session may see."""
        known = self._known.get(request[:3])
        if known is None or session is None or not session.active or known[0] > session.privilege:
            return None
        return known[1]

    def learn(self, request: IpmiRequest, session: Session | None, answer: Answer) -> None:
        """Remember a success."""
        if session is None or request[:2] not in self._commands or answer[0] != Completion.OK:
            return
        if len(self._known) >= MAX_STEADY:
            self._known.clear()
        self._known[request[:3]] = session.privilege, answer

    def forget(self) -> None:
        """Something may have changed."""
        if self._known:
            self._known.clear()


def ok(data: bytes = b"") -> Answer:
    """Success."""
    return Completion.OK, data


def refuse(code: int) -> Answer:
    """A completion code without data."""
    return code, b""


def little(data: bytes) -> int:
    """A number as IPMI carries it."""
    return int.from_bytes(data, "little")
