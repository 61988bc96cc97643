"""Users of the LAN channel (IPMI 2.0 sections 22.26 to 22.31)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from wire.ipmi.message import Privilege
from wire.ipmi.session import Account

MAX_USERS = 16
NO_ACCESS = 0x0F


@dataclass(slots=True)
class Slot:
    """One user slot. `privilege` is a level or 0Fh for no access."""

    name: bytes = b""
    password: bytes = b""
    privilege: int = NO_ACCESS
    enabled: bool = False
    messaging: bool = False


class Users:
    """Slots 1 to 16. Slot 1 is the null user, which stays disabled."""

    def __init__(self, accounts: list[tuple[str, str, Privilege]]) -> None:
        self.slots = {number: Slot() for number in range(1, MAX_USERS + 1)}
        for number, (name, password, privilege) in enumerate(accounts, start=2):
            self.slots[number] = Slot(name.encode(), password.encode(), privilege, enabled=True, messaging=True)

    def account(self, name: bytes) -> Account | None:
        """The enabled user of that name who may use the channel."""
        for number, slot in self.slots.items():
            if slot.name == name and name and slot.enabled and slot.messaging and slot.privilege in range(1, 5):
                return Account(number, slot.name, slot.password, Privilege(slot.privilege))
        return None

    @property
    def enabled_count(self) -> int:
        return sum(slot.enabled for slot in self.slots.values())

    def password_matches(self, number: int, password: bytes) -> bool:
        return hmac.compare_digest(self.slots[number].password, password.rstrip(b"\0"))
