"""Users of the LAN channel (IPMI 2.0 sections 22.26 to 22.31)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.ipmi.message import Privilege
from ridethrough.wire.ipmi.session import LEVELS, Account

MAX_USERS = 16
NO_ACCESS = 0x0F
SHORT_PASSWORD, LONG_PASSWORD = 16, 20
SOL_PAYLOAD = 0x02
TENTHS_S = 10_000  # the unit of the bad password parameter: ten seconds


@dataclass(slots=True)
class UserSlot:
    """One user slot. `privilege` is a level or 0Fh for no access; `payloads` the standard ones, a bit each."""

    name: bytes = b""
    password: bytes = b""
    privilege: int = NO_ACCESS
    enabled: bool = False
    messaging: bool = False
    callback_only: bool = False
    link_auth: bool = False
    payloads: int = SOL_PAYLOAD
    long_password: bool = False  # stored with 20 octets, which never logs in through IPMI 1.5
    failures: int = 0
    failed_at: Instant | None = None
    locked_until: Instant | None = None


class Users:
    """Slots 1 to 16. UserSlot 1 is the null user, which stays disabled."""

    def __init__(self, accounts: Sequence[tuple[str, str, Privilege]]) -> None:
        self.slots = {number: UserSlot() for number in range(1, MAX_USERS + 1)}
        for number, (name, password, privilege) in enumerate(accounts, start=2):
            octets = password.encode()
            self.slots[number] = UserSlot(
                name.encode(),
                octets,
                privilege,
                enabled=True,
                messaging=True,
                long_password=len(octets) > SHORT_PASSWORD,
            )

    def account(self, name: bytes, limit: int, now: Instant) -> Account | None:
        """The enabled user of that name who may use the channel, at most at the channel's `limit`."""
        for number, slot in self.slots.items():
            if slot.name == name and name and slot.enabled and slot.messaging and slot.privilege in range(1, 5):
                if slot.locked_until is not None and now < slot.locked_until:
                    return None
                level = LEVELS[min(slot.privilege, limit)]
                return Account(number, slot.name, slot.password, level, long_password=slot.long_password)
        return None

    @property
    def enabled_count(self) -> int:
        """Number of users that are enabled."""
        return sum(slot.enabled for slot in self.slots.values())

    def password_matches(self, number: int, password: bytes) -> bool:
        """True for the password of a slot, padded or not; takes the same time for any."""
        return hmac.compare_digest(self.slots[number].password, password.rstrip(b"\0"))

    def failed(self, number: int, rule: bytes, now: Instant) -> bool:
        """A wrong password, judged by LAN parameter 26; whether that locks the user out."""
        slot = self.slots[number]
        threshold, reset, lockout = rule[1], int.from_bytes(rule[2:4], "little"), int.from_bytes(rule[4:6], "little")
        if reset and slot.failed_at is not None and now - slot.failed_at > reset * TENTHS_S:
            slot.failures = 0
        slot.failures += 1
        slot.failed_at = now
        if not threshold or slot.failures < threshold:
            return False
        slot.failures = 0
        if lockout:
            slot.locked_until = Instant(now + lockout * TENTHS_S)
        else:
            slot.enabled = False  # until somebody enables the user again
        return True

    def succeeded(self, number: int) -> None:
        """A login ends the count."""
        self.slots[number].failures = 0

    def dump_state(self) -> list[list[Any]]:
        """The part that survives a loss of power, as JSON."""
        return [
            [
                number,
                slot.name.hex(),
                slot.password.hex(),
                slot.privilege,
                [slot.enabled, slot.messaging, slot.callback_only, slot.link_auth, slot.long_password],
                slot.payloads,
            ]
            for number, slot in self.slots.items()
        ]

    def load_state(self, state: list[list[Any]]) -> None:
        """Restore what `dump_state` returned."""
        for number, name, password, privilege, switches, payloads in state:
            enabled, messaging, callback, link_auth, long = switches
            self.slots[number] = UserSlot(
                bytes.fromhex(name),
                bytes.fromhex(password),
                privilege,
                enabled=enabled,
                messaging=messaging,
                callback_only=callback,
                link_auth=link_auth,
                payloads=payloads,
                long_password=long,
            )
