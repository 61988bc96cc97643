"""What a BMC keeps of its sessions, and what it needs of the controller behind them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wire.ipmi.algorithms import Handshake, Keys, Suite
from wire.ipmi.message import Privilege, Request
from wire.ipmi.packet import AuthType
from wire.ipmi.window import Window

Address = tuple[str, int]


class Drop(StrEnum):
    """Why a datagram got no answer."""

    SESSION_UNKNOWN = "session_unknown"
    PEER = "peer"
    SEQUENCE = "sequence"
    AUTHENTICATION = "authentication"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the session layer needs it."""

    user_id: int
    name: bytes
    password: bytes
    privilege: Privilege


class Host(Protocol):
    """What the endpoint asks of the management controller behind it."""

    guid: bytes  # as Get System GUID answers it

    def account(self, name: bytes) -> Account | None:
        """The enabled user of that name."""

    def execute(self, request: Request, session: Session | None) -> tuple[int, bytes]:
        """Completion code and data. `session` is None outside sessions."""


@dataclass(slots=True)
class Session:
    """An open session, or one about to open."""

    session_id: int
    peer: Address
    limit: Privilege
    touched_ms: int
    account: Account | None = None
    privilege: Privilege = Privilege.USER
    active: bool = False
    # RMCP+
    console_sid: int = 0
    suite: Suite | None = None
    handshake: Handshake | None = None
    keys: Keys | None = None
    rakp4: bytes = b""
    # IPMI 1.5
    auth_type: AuthType = AuthType.NONE
    challenge: bytes = b""
    outbound_15: int = 0
    # both
    inbound: Window = field(default_factory=lambda: Window(16, 15))
    outbound: int = 0
    answers: OrderedDict[Request, tuple[int, bytes]] = field(default_factory=OrderedDict)
