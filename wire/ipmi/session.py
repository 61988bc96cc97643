"""A session as a BMC keeps it, and the controller behind the LAN channel as the endpoint needs it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from ridethrough.wire.ipmi.algorithms import Handshake, SessionKeys, Suite
from ridethrough.wire.ipmi.message import IpmiRequest, Privilege
from ridethrough.wire.ipmi.packet import AuthType
from ridethrough.wire.ipmi.window import Window

Address = tuple[str, int]
# Privileges that sessions have, by number; a look here costs a fifth of a call of the class.
LEVELS = {level.value: level for level in Privilege}
ADMINISTRATOR = int(Privilege.ADMINISTRATOR)


class Drop(StrEnum):
    """Reason for which a datagram got no answer."""

    SESSION_UNKNOWN = "session_unknown"
    PEER = "peer"
    SEQUENCE = "sequence"
    AUTHENTICATION = "authentication"
    UNEXPECTED = "unexpected"
    LOGIN = "login"
    HANDSHAKE = "handshake"


class Account(NamedTuple):
    """A user as the session layer needs it."""

    user_id: int
    name: bytes
    password: bytes
    privilege: Privilege
    long_password: bool = False
    """Stored with 20 octets, which never log in through IPMI 1.5 (IPMI 2.0 section 22.30)."""


class LoginPolicy(NamedTuple):
    """The rules of logging in. `limits` are the privileges that the suites give, 0 for one that may not be used."""

    suites: tuple[int, ...] = (3, 17)
    limits: tuple[int, ...] = ()
    auth_types: int = 1 << AuthType.MD5  # of IPMI 1.5, a bit each
    kg: bytes = b""

    def limit(self, suite: int) -> int:
        """The privilege that a suite gives."""
        if suite not in self.suites:
            return 0
        at = self.suites.index(suite)
        return self.limits[at] if at < len(self.limits) else ADMINISTRATOR


class ChannelHost(Protocol):
    """The management controller behind a LAN channel, as the endpoint needs it."""

    guid: bytes  # as Get System GUID answers it

    @property
    def console_holder(self) -> int | None:
        """The session that has the serial console."""

    @property
    def login_policy(self) -> LoginPolicy:
        """The rules of logging in, as they are now."""

    def login_failed(self, user_id: int) -> None:
        """Somebody knew a name and not its password."""

    def login_succeeded(self, user_id: int) -> None:
        """End the count of wrong passwords of a user."""

    def close_console(self) -> None:
        """Whoever had the console has it no more."""

    def type_console(self, octets: bytes) -> None:
        """Keys pressed."""

    @property
    def console_retry(self) -> tuple[int, int]:
        """Repeats of a packet that is not acknowledged, and the milliseconds between them."""

    def console_since(self, at: int) -> tuple[bytes, int]:
        """Return the console's output from octet `at` on, and the number of the octet behind it."""

    def account(self, name: bytes) -> Account | None:
        """The enabled user of that name."""

    def execute(self, request: IpmiRequest, session: Session | None) -> tuple[int, bytes]:
        """Completion code and data. `session` is None outside sessions."""


class Session:
    """An open session, or one about to open."""

    # RMCP+
    console_sid = 0
    suite: Suite | None = None
    policy = LoginPolicy()  # of the moment in which the session was asked for
    handshake: Handshake | None = None
    keys: SessionKeys | None = None
    rakp4 = b""
    # IPMI 1.5
    auth_type = AuthType.NONE
    challenge = b""
    outbound_15 = 0
    # both
    outbound = 0

    def __init__(
        self,
        session_id: int,
        peer: Address,
        limit: Privilege,
        touched_ms: int,
        account: Account | None = None,
        privilege: Privilege = Privilege.USER,
        *,
        active: bool = False,
    ) -> None:
        self.session_id = session_id
        self.peer = peer
        self.limit = limit
        self.touched_ms = touched_ms
        self.account = account
        self.privilege = privilege
        self.active = active
        self.inbound = Window(16, 15)
        self.answers: dict[bytes, tuple[int, bytes]] = {}  # by the octets of the request, the oldest first
