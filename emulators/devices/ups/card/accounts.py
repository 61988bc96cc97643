"""The account of the card with its log-in sessions, and the TCP/IP settings that take effect when one ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from ridethrough.emulators.devices.ups.traps import Notify, Trap
from ridethrough.emulators.kernel.instant import Instant, after, soonest

FACTORY_NAME = FACTORY_PASSWORD = "apc"  # noqa: S105  # the card's own, known to everybody
LONGEST_NAME = 10
LONGEST_PASSWORD = 32


class LoginChannel(Enum):
    """A way to log on, with the trap that reports a failure."""

    WEB = Trap.HTTP_VIOLATION
    CONSOLE = Trap.CONSOLE_VIOLATION


@dataclass(frozen=True, slots=True)
class Tcpip:
    """The card's place in the network. With BOOTP on, the address is not the manager's to set."""

    bootp: bool
    address: str
    mask: str = "255.255.255.0"
    gateway: str = "0.0.0.0"


def is_address(text: str) -> bool:
    """Return whether `text` is an IPv4 address."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


class Accounts:
    """One account, as a card has it from the factory, and the sessions of whoever uses it.

    A session ends by itself `logon_s` after it was used last. `move` is called with the address that takes effect.
    """

    def __init__(self, address: str, logon_s: float, notify: Notify, move: Callable[[str], None]) -> None:
        self._logon_s = logon_s
        self._notify = notify
        self._move = move
        self.name = FACTORY_NAME
        self._password = FACTORY_PASSWORD
        self._sessions: dict[str, Instant] = {}  # token to when it ends by itself
        self.tcpip = Tcpip(bootp=True, address=address)
        self._staged: Tcpip | None = None  # takes effect at the next log-off

    @property
    def logged_on(self) -> bool:
        """True while any session lasts."""
        return bool(self._sessions)

    def log_on(self, channel: LoginChannel, name: str, password: str, token: str, now: Instant) -> bool:
        """Begin the session `token` if name and password are right, which is returned."""
        if name != self.name or password != self._password:
            self._notify(channel.value, now)
            return False
        self._sessions[token] = after(now, self._logon_s)
        return True

    def keep_alive(self, token: str, now: Instant) -> bool:
        """Return whether the session lives; if it does, its time begins anew."""
        self.advance(now)
        if token not in self._sessions:
            return False
        self._sessions[token] = after(now, self._logon_s)
        return True

    def log_off(self, token: str | None = None) -> None:
        """End a session, or all of them; staged settings take effect."""
        if token is None:
            self._sessions.clear()
        else:
            self._sessions.pop(token, None)
        if self._staged is not None:
            self.tcpip, self._staged = self._staged, None
            self._move(self.tcpip.address)

    def advance(self, now: Instant) -> None:
        """End the sessions whose time is over."""
        for token in [token for token, until in self._sessions.items() if until <= now]:
            self.log_off(token)

    def next_deadline(self) -> Instant | None:
        """Return when the next session ends by itself."""
        return soonest(*self._sessions.values())

    def change(self, name: str, password: str, now: Instant) -> str:
        """Give the account another name and password; returns what is wrong with them, or an empty text."""
        if not 0 < len(name) <= LONGEST_NAME:
            return f"A user name has 1 to {LONGEST_NAME} characters."
        if not 0 < len(password) <= LONGEST_PASSWORD:
            return f"A password has 1 to {LONGEST_PASSWORD} characters."
        if name != self.name:
            self._notify(Trap.USER_MODIFIED, now)
        if password != self._password:
            self._notify(Trap.PASSWORD_CHANGED, now)
        self.name, self._password = name, password
        return ""

    @property
    def next_tcpip(self) -> Tcpip:
        """The settings that hold after the next log-off."""
        return self._staged or self.tcpip

    def stage_tcpip(self, wanted: Tcpip) -> str:
        """Keep network settings until the next log-off; returns what is wrong with them, or an empty text."""
        wanted = replace(wanted, address=self.tcpip.address) if wanted.bootp else wanted
        for what, text in (("IP address", wanted.address), ("mask", wanted.mask), ("gateway", wanted.gateway)):
            if not is_address(text):
                return f"{text!r} is not an {what}." if what == "IP address" else f"{text!r} is not a {what}."
        self._staged = wanted
        return ""

    def dump_state(self) -> dict[str, Any]:
        """Return the account as JSON. The password is a card's, as weak as its factory one, and stands here as it would
        in its flash.
        """
        place = self.tcpip
        return {"name": self.name, "password": self._password, "bootp": place.bootp, "mask": place.mask}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned; the address is the rig's to say. Raises KeyError and TypeError."""
        self.name, self._password = state["name"], state["password"]
        self.tcpip = replace(self.tcpip, bootp=state["bootp"], mask=state["mask"])
