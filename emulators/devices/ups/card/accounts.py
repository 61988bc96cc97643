"""Who is logged on at the card's pages and console, and the settings that only people change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Any

from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant, after, soonest

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.card.card import Card

FACTORY_NAME = FACTORY_PASSWORD = "apc"  # noqa: S105  # the card's own, known to everybody
LONGEST_NAME = 10
LONGEST_PASSWORD = 32


class Door(Enum):
    """Where somebody tries to log on, with the trap that tells of a failure."""

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
    """Whether `text` is an IPv4 address."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


class People:
    """One account, as a card has it from the factory, and the sessions of whoever uses it."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.name = FACTORY_NAME
        self._password = FACTORY_PASSWORD
        self._sessions: dict[str, Instant] = {}  # token to when it ends by itself
        self.tcpip = Tcpip(bootp=True, address=card.address)
        self._accepted: Tcpip | None = None  # takes effect at the next log-off

    @property
    def logged_on(self) -> bool:
        """Whether anybody is."""
        return bool(self._sessions)

    def log_on(self, door: Door, name: str, password: str, token: str, now: Instant) -> bool:
        """Begin the session `token`, when name and password are right."""
        if name != self.name or password != self._password:
            self._card.send(door.value, now)
            return False
        self._sessions[token] = after(now, self._card.profile.card.logon_s)
        return True

    def present(self, token: str, now: Instant) -> bool:
        """Whether the session lives; if it does, it lives on."""
        self.advance(now)
        if token not in self._sessions:
            return False
        self._sessions[token] = after(now, self._card.profile.card.logon_s)
        return True

    def log_off(self, token: str | None = None) -> None:
        """End a session, or all of them; what was accepted takes effect."""
        if token is None:
            self._sessions.clear()
        else:
            self._sessions.pop(token, None)
        if self._accepted is not None:
            self.tcpip, self._accepted = self._accepted, None
            self._card.move(self.tcpip.address)

    def advance(self, now: Instant) -> None:
        """End the sessions in which nobody did anything for long."""
        for token in [token for token, until in self._sessions.items() if until <= now]:
            self.log_off(token)

    def next_deadline(self) -> Instant | None:
        return soonest(*self._sessions.values())

    def change(self, name: str, password: str, now: Instant) -> str:
        """Give the account another name and password; empty, or what is wrong with them."""
        if not 0 < len(name) <= LONGEST_NAME:
            return f"A user name has 1 to {LONGEST_NAME} characters."
        if not 0 < len(password) <= LONGEST_PASSWORD:
            return f"A password has 1 to {LONGEST_PASSWORD} characters."
        if name != self.name:
            self._card.send(Trap.USER_MODIFIED, now)
        if password != self._password:
            self._card.send(Trap.PASSWORD_CHANGED, now)
        self.name, self._password = name, password
        return ""

    @property
    def wanted_tcpip(self) -> Tcpip:
        """What will hold after the next log-off."""
        return self._accepted or self.tcpip

    def accept(self, wanted: Tcpip) -> str:
        """Keep network settings until the next log-off; empty, or what is wrong with them."""
        wanted = replace(wanted, address=self.tcpip.address) if wanted.bootp else wanted
        for what, text in (("IP address", wanted.address), ("mask", wanted.mask), ("gateway", wanted.gateway)):
            if not is_address(text):
                return f"{text!r} is not an {what}." if what == "IP address" else f"{text!r} is not a {what}."
        self._accepted = wanted
        return ""

    def memory(self) -> dict[str, Any]:
        """As JSON. The password is a card's, as weak as its factory one, and stands here as it would in its flash."""
        place = self.tcpip
        return {"name": self.name, "password": self._password, "bootp": place.bootp, "mask": place.mask}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what `memory` returned; the address is the rig's to say."""
        self.name, self._password = memory["name"], memory["password"]
        self.tcpip = replace(self.tcpip, bootp=memory["bootp"], mask=memory["mask"])
