"""Rows that show a device's state as SNMP objects."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from heapq import merge
from typing import Any, Protocol

from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import MibTree, Oid
from ridethrough.wire.snmp import ErrorStatus, Tag, Value
from ridethrough.wire.snmp.secure import Keys, localized
from ridethrough.wire.snmp.usm import Auth, Priv

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


class Access(Enum):
    """The right of a community or a user."""

    NONE = auto()
    READ = auto()
    WRITE = auto()


@dataclass(frozen=True, slots=True)
class Instance:
    """One readable instance. `check` refuses a SET before anything changes; `apply` then cannot fail.

    Rows are shared by all devices of a kind, state is not: the first argument of the three is the `source` of the view
    that is asked. Each kind of device types it where it writes its rows.

    `measured` marks what a device's sensors show, as opposed to what it or its manager keeps; `constant` what never
    changes and is the same for every view; `steady` what stays as it is while its device rests and nothing is done to
    it.
    """

    oid: Oid
    tag: Tag
    get: Callable[[Any, Instant], Value]
    check: Callable[[Any, Value, Instant], ErrorStatus] | None = None
    apply: Callable[[Any, Value, Instant], None] | None = None
    measured: bool = False
    constant: bool = False
    steady: bool = False


ANYBODY = "any"


def admits(pattern: str, manager: str) -> bool:
    """Return whether an address matches a pattern: `any`, 0.0.0.0, or an address with 255 for any octet."""
    if pattern in (ANYBODY, "0.0.0.0"):
        return True
    pairs = zip(pattern.split("."), manager.split("."), strict=False)
    return all(own in ("255", other) for own, other in pairs)


@dataclass(frozen=True, slots=True)
class UsmUser:
    """A version 3 user. Without `auth` there is neither authentication nor privacy."""

    name: bytes
    access: Access
    auth: Auth | None = None
    auth_password: bytes = field(default=b"", repr=False)
    priv: Priv | None = None
    priv_password: bytes = field(default=b"", repr=False)
    view: tuple[Oid, ...] = ()
    """Subtrees that the user sees; all when there are none."""
    manager: str = ANYBODY
    """From where the user may ask."""

    def keys(self, engine_id: bytes) -> Keys:
        """The user's keys at an engine."""
        return localized(self.auth, self.auth_password, self.priv, self.priv_password, engine_id)


class SnmpEngine(Protocol):
    """The SNMP engine of a device (RFC 3411 section 3.1): its identity, its time, and who may do what."""

    max_message: int
    engine_id: bytes
    users: dict[bytes, UsmUser]
    boots: int
    counters: Counter[str]
    authentication_traps: bool
    lenient_set: bool

    def engine_time_s(self, now: Instant) -> int:
        """snmpEngineTime: seconds since the last start."""

    def access(self, community: bytes, manager: str) -> Access:
        """The best right of a community that asks from this address."""

    def communities(self) -> dict[bytes, Access]:
        """Every community that has a right somewhere, with the best one."""

    def authentication_failed(self, now: Instant) -> None:
        """A request came without a right."""

    def answering(self, now: Instant) -> bool:
        """Return whether the device answers at `now`; false while it restarts or is muted."""


class RowSource(Protocol):
    """The object that rows read, as far as all kinds of devices have it."""

    @property
    def engine(self) -> SnmpEngine:
        """The SNMP engine of the device."""


class SnmpView(Protocol):
    """A device as an SNMP agent shows it."""

    @property
    def engine(self) -> SnmpEngine:
        """The SNMP engine of the device."""

    @property
    def source(self) -> RowSource:
        """The object that the rows of `instances` read; the same one as long as the view lives."""

    @property
    def instances(self) -> Instances:
        """Everything that can be read now."""

    def resting(self, now: Instant) -> bool:
        """Return whether time alone changes none of the steady rows from `now` on."""


MAX_ANSWERS, MAX_SHARED_ANSWERS = 64, 2048  # of one device, and of all that show the same


class Instances:
    """Instances in the order of RFC 3416 section 4.2.2, perhaps on top of others that many devices share."""

    def __init__(self, rows: Iterable[Instance], base: Instances | None = None, max_answers: int = MAX_ANSWERS) -> None:
        """Raises ValueError when two rows show the same instance."""
        ordered = sorted(rows, key=lambda row: row.oid)
        self._rows = {row.oid: row for row in ordered}
        self._order = [row.oid for row in ordered]
        self.base = base
        self.answers: dict[bytes, Any] = {}  # cached by the agents that show these instances
        self.max_answers = max_answers
        if len(self._rows) != len(ordered) or (base is not None and any(base.get(oid) for oid in self._order)):
            raise ValueError("two rows show the same instance")

    def __len__(self) -> int:
        return len(self._order) + (len(self.base) if self.base is not None else 0)

    def __iter__(self) -> Iterator[Instance]:
        """In order."""
        own = iter(self._rows.values())
        return own if self.base is None else merge(own, self.base, key=lambda row: row.oid)

    def get(self, oid: Oid) -> Instance | None:
        """Return the row of an instance; None if there is none, here or below."""
        row = self._rows.get(oid)
        return row if row is not None or self.base is None else self.base.get(oid)

    def within(self, subtrees: tuple[Oid, ...]) -> Instances:
        """Those that lie in one of `subtrees` (RFC 3415 section 5)."""
        return Instances(row for row in self if any(subtree.covers(row.oid) for subtree in subtrees))

    def after(self, oid: Oid) -> Instance | None:
        """The first instance behind `oid`; None at the end of the view."""
        index = bisect_right(self._order, oid)
        own = self._rows[self._order[index]] if index < len(self._order) else None
        if self.base is None:
            return own
        other = self.base.after(oid)
        return own if other is None or (own is not None and own.oid < other.oid) else other


def resolve(tree: MibTree, label: str) -> tuple[Oid, Tag, bool, frozenset[int]]:
    """Number, tag, whether managers may write, and enumeration of `name.index`. Raises KeyError for unknown names."""
    name, _, index = label.partition(".")
    item = tree.named(name)
    oid = item.oid.child(*(int(arc) for arc in index.split(".")))
    return oid, TAGS[item.syntax], item.access == "read-write", frozenset(item.enum)
