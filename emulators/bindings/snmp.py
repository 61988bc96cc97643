"""Rows that show a device's state as SNMP objects."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from emulators.kernel.instant import Instant
from mibs import MibTree, Oid
from wire.snmp import ErrorStatus, Tag, Value
from wire.snmp.usm import Auth, Priv

TAGS: dict[str, Tag] = {
    "INTEGER": Tag.INTEGER,
    "Integer32": Tag.INTEGER,
    "OCTET STRING": Tag.OCTET_STRING,
    "OBJECT IDENTIFIER": Tag.OBJECT_IDENTIFIER,
    "IpAddress": Tag.IP_ADDRESS,
    "Counter32": Tag.COUNTER32,
    "Gauge32": Tag.GAUGE32,
    "Unsigned32": Tag.GAUGE32,
    "TimeTicks": Tag.TIME_TICKS,
    "Counter64": Tag.COUNTER64,
}

Getter = Callable[[Instant], Value]
Checker = Callable[[Value, Instant], ErrorStatus]
Setter = Callable[[Value, Instant], None]


class Access(Enum):
    """What a community may do."""

    NONE = auto()
    READ = auto()
    WRITE = auto()


@dataclass(frozen=True, slots=True)
class Instance:
    """One readable instance. `check` refuses a SET before anything changes; `apply` then cannot fail."""

    oid: Oid
    tag: Tag
    get: Getter
    check: Checker | None = None
    apply: Setter | None = None


@dataclass(frozen=True, slots=True)
class UsmUser:
    """A version 3 user. Without `auth` there is neither authentication nor privacy."""

    name: bytes
    access: Access
    auth: Auth | None = None
    auth_password: bytes = field(default=b"", repr=False)
    priv: Priv | None = None
    priv_password: bytes = field(default=b"", repr=False)


class SnmpView(Protocol):
    """What an SNMP agent needs of a device."""

    max_message: int
    engine_id: bytes
    users: dict[bytes, UsmUser]
    boots: int

    def engine_time_s(self, now: Instant) -> int:
        """snmpEngineTime: seconds since the last start."""

    @property
    def instances(self) -> Instances: ...

    def access(self, community: bytes, manager: str) -> Access: ...

    def authentication_failed(self, now: Instant) -> None: ...

    def answering(self, now: Instant) -> bool: ...


class Instances:
    """Instances in the order of RFC 3416 section 4.2.2."""

    def __init__(self, rows: Iterable[Instance]) -> None:
        ordered = sorted(rows, key=lambda row: row.oid)
        self._rows = {row.oid: row for row in ordered}
        self._order = [row.oid for row in ordered]
        if len(self._rows) != len(ordered):
            raise ValueError("two rows show the same instance")

    def __len__(self) -> int:
        return len(self._order)

    def get(self, oid: Oid) -> Instance | None:
        return self._rows.get(oid)

    def after(self, oid: Oid) -> Instance | None:
        """The first instance behind `oid`; None at the end of the view."""
        index = bisect_right(self._order, oid)
        return self._rows[self._order[index]] if index < len(self._order) else None


def resolve(tree: MibTree, label: str) -> tuple[Oid, Tag, bool, frozenset[int]]:
    """Number, tag, whether managers may write, and enumeration of `name.index`. Raises KeyError for unknown names."""
    name, _, index = label.partition(".")
    item = tree.named(name)
    oid = item.oid.child(*(int(arc) for arc in index.split(".")))
    return oid, TAGS[item.syntax], item.access == "read-write", frozenset(item.enum)
