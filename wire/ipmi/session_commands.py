"""Commands about sessions, which the endpoint answers itself (IPMI 2.0 sections 22.18 to 22.20)."""

from __future__ import annotations

from ridethrough.wire.ipmi.message import Completion, Privilege
from ridethrough.wire.ipmi.session import LEVELS, Session

ABOVE_LIMIT = 0x81
NO_SUCH_SESSION = 0x87
CURRENT, BY_HANDLE, BY_ID = 0x00, 0xFE, 0xFF

Answer = tuple[int, bytes]


def set_privilege(data: bytes, session: Session) -> Answer:
    """Set Session Privilege Level."""
    if len(data) != 1:
        return Completion.LENGTH_INVALID, b""
    wanted = data[0] & 0x0F
    if wanted and wanted not in (2, 3, 4):
        return Completion.INVALID_FIELD, b""
    if wanted > session.limit:
        return ABOVE_LIMIT, b""
    if wanted:
        session.privilege = LEVELS[wanted]
    return Completion.OK, bytes((session.privilege,))


def close(data: bytes, session: Session, sessions: dict[int, Session]) -> Answer:
    """Close Session. The answer still leaves through the closed session's object."""
    if len(data) not in (4, 5):
        return Completion.LENGTH_INVALID, b""
    target = sessions.get(int.from_bytes(data[:4], "little"))
    if target is None or (target is not session and session.privilege < Privilege.ADMINISTRATOR):
        return NO_SUCH_SESSION, b""
    del sessions[target.session_id]
    return Completion.OK, b""


def info(data: bytes, session: Session, sessions: dict[int, Session], most: int) -> Answer:
    """Get Session Info. Handles are the positions among the open sessions, from 1."""
    if not data:
        return Completion.LENGTH_INVALID, b""
    active = [each for each in sessions.values() if each.active]
    if data[0] == CURRENT:
        target: Session | None = session
    elif data[0] == BY_ID:
        target = sessions.get(int.from_bytes(data[1:5], "little"))
    else:
        index = data[1] if data[0] == BY_HANDLE and len(data) > 1 else data[0]
        target = active[index - 1] if 0 < index <= len(active) else None
    head = bytes((active.index(target) + 1 if target in active else 0, most, len(active)))
    if target is None or target.account is None:
        return Completion.OK, head
    address = bytes(int(part) for part in target.peer[0].split(".")) if target.peer[0].count(".") == 3 else bytes(4)
    plus = 0x10 if target.suite else 0x00
    who = bytes((target.account.user_id, target.privilege, plus | 1))
    return Completion.OK, head + who + address + bytes(6) + target.peer[1].to_bytes(2, "little")
