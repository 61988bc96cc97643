"""LAN configuration parameters (IPMI 2.0 table 23-4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

from ridethrough.wire.ipmi.message import Privilege

CHANNEL = 1
DESTINATIONS = 4
REVISION = 0x11
PUBLIC = b"public"


class LanParameter(IntEnum):
    """The numbers of table 23-4 that have a meaning of their own here."""

    SET_IN_PROGRESS = 0
    AUTH_SUPPORT = 1
    AUTH_ENABLES = 2
    ADDRESS = 3
    ADDRESS_SOURCE = 4
    MAC = 5
    MASK = 6
    COMMUNITY = 16
    DESTINATION_COUNT = 17
    DESTINATION_TYPE = 18
    DESTINATION_ADDRESS = 19
    SUITE_COUNT = 22
    SUITES = 23
    SUITE_PRIVILEGES = 24
    BAD_PASSWORD = 26


class ParameterRefusal(IntEnum):
    """Completion codes of the commands (section 23.1)."""

    UNSUPPORTED = 0x80
    IN_PROGRESS = 0x81
    READ_ONLY = 0x82


class AlertDestination(NamedTuple):
    """A receiver of alerts. `port` is no part of IPMI; None is the rig's trap port."""

    address: str
    port: int | None = None
    acknowledge: bool = False
    timeout_s: int = 1
    retries: int = 0


NOWHERE = AlertDestination("0.0.0.0")
# Parameters that are kept as they are written: length and first value.
PLAIN: dict[int, tuple[int, bytes]] = {
    7: (3, bytes((0x40, 0x40, 0x10))),
    8: (2, bytes.fromhex("6f02")),
    9: (2, bytes.fromhex("9802")),
    10: (1, b"\x02"),
    11: (1, b"\x00"),
    12: (4, bytes(4)),
    13: (6, bytes(6)),
    14: (4, bytes(4)),
    15: (6, bytes(6)),
    20: (2, bytes(2)),
    21: (1, b"\x00"),
}
FIXED = (
    LanParameter.AUTH_SUPPORT,
    LanParameter.ADDRESS,
    LanParameter.ADDRESS_SOURCE,
    LanParameter.MAC,
    LanParameter.MASK,
)
READ_ONLY = (*FIXED, LanParameter.DESTINATION_COUNT, LanParameter.SUITE_COUNT, LanParameter.SUITES)
MD5, STRAIGHT, NONE = 0x04, 0x10, 0x01  # authentication types, a bit each
SUPPORTED_AUTH = MD5 | STRAIGHT | NONE
LEVELS = 5  # callback, user, operator, administrator, OEM


@dataclass(slots=True)
class Lan:
    """The LAN channel of one controller. `plain` keeps what was written, by parameter."""

    address: str
    mac_prefix: bytes
    suites: tuple[int, ...]
    destinations: list[AlertDestination]  # selector 0 is volatile
    community: bytes = PUBLIC
    auth_enables: bytes = bytes((MD5,)) * LEVELS
    suite_levels: list[int] = field(default_factory=list)
    bad_password: bytes = bytes(6)
    alerting: bool = True
    access_mode: int = 2  # always available
    limit: int = Privilege.ADMINISTRATOR
    plain: dict[int, bytes] = field(default_factory=dict)
    in_progress: int = 0
    kg: bytes = b""  # the key of the controller (section 22.25)

    @classmethod
    def new(
        cls, address: str, mac_prefix: bytes, suites: Sequence[int], destinations: Sequence[AlertDestination]
    ) -> Lan:
        """The factory's, with `destinations` as the receivers of alerts."""
        rows = [NOWHERE, *destinations[:DESTINATIONS]]
        rows += [NOWHERE] * (1 + DESTINATIONS - len(rows))
        return cls(address, mac_prefix, tuple(suites), rows, suite_levels=[int(Privilege.ADMINISTRATOR)] * len(suites))

    @property
    def mac(self) -> bytes:
        """A hardware address made of the prefix and the IP address."""
        return self.mac_prefix + _octets(self.address)[1:]

    def suite_limit(self, suite: int) -> int:
        """The privilege that a suite gives; 0 where it may not be used."""
        return self.suite_levels[self.suites.index(suite)] if suite in self.suites else 0

    def get(self, parameter: int, selector: int) -> bytes | ParameterRefusal | None:
        """The data of a parameter; None for a selector that does not exist."""
        reader = READERS.get(parameter)
        if reader is not None:
            return reader(self, selector)
        if parameter in PLAIN:
            return self.plain.get(parameter, PLAIN[parameter][1])
        return ParameterRefusal.UNSUPPORTED

    def set(self, parameter: int, data: bytes) -> bool | ParameterRefusal:
        """Write a parameter; False for data that it cannot have."""
        if parameter in READ_ONLY:
            return ParameterRefusal.READ_ONLY
        if parameter == LanParameter.SET_IN_PROGRESS:
            return lock(self, data)
        if parameter in PLAIN:
            if len(data) != PLAIN[parameter][0]:
                return False
            self.plain[parameter] = data
            return True
        writer = WRITERS.get(parameter)
        return ParameterRefusal.UNSUPPORTED if writer is None else writer(self, data)

    def dump_state(self) -> dict[str, Any]:
        """The part that survives a loss of power, as JSON."""
        return {
            "destinations": [list(row) for row in self.destinations[1:]],
            "community": self.community.hex(),
            "auth_enables": self.auth_enables.hex(),
            "suite_levels": self.suite_levels,
            "bad_password": self.bad_password.hex(),
            "access": [self.alerting, self.access_mode, self.limit],
            "plain": {str(number): data.hex() for number, data in self.plain.items()},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned."""
        self.destinations[1:] = [AlertDestination(*row) for row in state["destinations"]]
        self.community = bytes.fromhex(state["community"])
        self.auth_enables = bytes.fromhex(state["auth_enables"])
        self.suite_levels = (state["suite_levels"] + self.suite_levels)[: len(self.suites)]
        self.bad_password = bytes.fromhex(state["bad_password"])
        self.alerting, self.access_mode, self.limit = state["access"]
        self.plain = {int(number): bytes.fromhex(data) for number, data in state["plain"].items()}


class Lockable(Protocol):
    """A set of parameters that one manager at a time may set."""

    in_progress: int


def lock(parameters: Lockable, data: bytes) -> bool | ParameterRefusal:
    """Set in progress: 0 complete, 1 in progress, 2 commit, of any set of parameters (table 23-4, parameter 0)."""
    if len(data) != 1 or data[0] > 2:
        return False
    if data[0] == 1 and parameters.in_progress == 1:
        return ParameterRefusal.IN_PROGRESS
    parameters.in_progress = data[0] & 1
    return True


Reader = Callable[[Lan, int], bytes | None]
Writer = Callable[[Lan, bytes], bool]


def _octets(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


def _destination_type(lan: Lan, selector: int) -> bytes | None:
    if selector >= len(lan.destinations):
        return None
    row = lan.destinations[selector]
    return bytes((selector, 0x80 if row.acknowledge else 0, row.timeout_s, row.retries))


def _destination_address(lan: Lan, selector: int) -> bytes | None:
    if selector >= len(lan.destinations):
        return None
    return bytes((selector, 0, 0)) + _octets(lan.destinations[selector].address) + bytes(6)


def _privileges(lan: Lan, _selector: int) -> bytes:
    levels = [*lan.suite_levels, *([0] * (16 - len(lan.suite_levels)))]
    return b"\0" + bytes(low | high << 4 for low, high in zip(levels[::2], levels[1::2], strict=True))


READERS: dict[int, Reader] = {
    LanParameter.SET_IN_PROGRESS: lambda lan, _: bytes((lan.in_progress,)),
    LanParameter.AUTH_SUPPORT: lambda _lan, _: bytes((SUPPORTED_AUTH,)),
    LanParameter.AUTH_ENABLES: lambda lan, _: lan.auth_enables,
    LanParameter.ADDRESS: lambda lan, _: _octets(lan.address),
    LanParameter.ADDRESS_SOURCE: lambda _lan, _: b"\x01",  # static
    LanParameter.MAC: lambda lan, _: lan.mac,
    LanParameter.MASK: lambda _lan, _: bytes((255, 255, 255, 0)),
    LanParameter.COMMUNITY: lambda lan, _: lan.community.ljust(18, b"\0"),
    LanParameter.DESTINATION_COUNT: lambda _lan, _: bytes((DESTINATIONS,)),
    LanParameter.DESTINATION_TYPE: _destination_type,
    LanParameter.DESTINATION_ADDRESS: _destination_address,
    LanParameter.SUITE_COUNT: lambda lan, _: bytes((len(lan.suites),)),
    LanParameter.SUITES: lambda lan, _: b"\0" + bytes(lan.suites).ljust(16, b"\0"),
    LanParameter.SUITE_PRIVILEGES: _privileges,
    LanParameter.BAD_PASSWORD: lambda lan, _: lan.bad_password,
}


def _set_auth(lan: Lan, data: bytes) -> bool:
    if len(data) != LEVELS or any(octet & ~SUPPORTED_AUTH for octet in data):
        return False
    lan.auth_enables = data
    return True


def _set_community(lan: Lan, data: bytes) -> bool:
    if len(data) != 18:
        return False
    lan.community = data.rstrip(b"\0")
    return True


def _set_destination_type(lan: Lan, data: bytes) -> bool:
    # Only platform event traps (type 0).
    if len(data) != 4 or not 0 <= data[0] & 0x0F < len(lan.destinations) or data[1] & 0x07:
        return False
    at = data[0] & 0x0F
    lan.destinations[at] = lan.destinations[at]._replace(
        acknowledge=bool(data[1] & 0x80), timeout_s=data[2], retries=data[3] & 0x07
    )
    return True


def _set_destination_address(lan: Lan, data: bytes) -> bool:
    if len(data) != 13 or not 0 <= data[0] & 0x0F < len(lan.destinations) or data[1] >> 4:
        return False
    at = data[0] & 0x0F
    address = ".".join(map(str, data[3:7]))
    if address != lan.destinations[at].address:
        lan.destinations[at] = lan.destinations[at]._replace(address=address, port=None)
    return True


def _set_privileges(lan: Lan, data: bytes) -> bool:
    if len(data) != 9:
        return False
    levels = [nibble for octet in data[1:] for nibble in (octet & 0x0F, octet >> 4)]
    if any(level > LEVELS for level in levels):
        return False
    lan.suite_levels = levels[: len(lan.suites)]
    return True


def _set_bad_password(lan: Lan, data: bytes) -> bool:
    if len(data) != 6:
        return False
    lan.bad_password = data
    return True


WRITERS: dict[int, Writer] = {
    LanParameter.AUTH_ENABLES: _set_auth,
    LanParameter.COMMUNITY: _set_community,
    LanParameter.DESTINATION_TYPE: _set_destination_type,
    LanParameter.DESTINATION_ADDRESS: _set_destination_address,
    LanParameter.SUITE_PRIVILEGES: _set_privileges,
    LanParameter.BAD_PASSWORD: _set_bad_password,
}
