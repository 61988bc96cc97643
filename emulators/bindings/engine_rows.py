"""Rows of every SNMP engine: its counters, its identity, and the tables of users, groups and views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ridethrough.emulators.bindings.snmp import Access, Instance, RowSource, SnmpEngine
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import ErrorStatus, Tag, Value

Getter = Callable[[RowSource, Instant], Value]

V1, V2C, USM = 1, 2, 3  # SnmpSecurityModel (RFC 3411 section 5)
NO_AUTH, AUTH, AUTH_PRIV = 1, 2, 3  # SnmpSecurityLevel
EXACT, INCLUDED, PERMANENT, ACTIVE = 1, 1, 4, 1
ALL_VIEW = b"allmib"
ALL_SUBTREE = Oid.parse("1.3.6.1")

# The snmp group (RFC 3418) by what the agent counts; the retired ones stand at nothing.
GROUP: dict[int, str] = {
    1: "snmpInPkts",
    2: "snmpOutPkts",
    3: "snmpInBadVersions",
    4: "snmpInBadCommunityNames",
    5: "snmpInBadCommunityUses",
    6: "snmpInASNParseErrs",
    8: "snmpInTooBigs",
    9: "snmpInNoSuchNames",
    10: "snmpInBadValues",
    11: "snmpInReadOnlys",
    12: "snmpInGenErrs",
    13: "snmpInTotalReqVars",
    14: "snmpInTotalSetVars",
    15: "snmpInGetRequests",
    16: "snmpInGetNexts",
    17: "snmpInSetRequests",
    18: "snmpInGetResponses",
    19: "snmpInTraps",
    20: "snmpOutTooBigs",
    21: "snmpOutNoSuchNames",
    22: "snmpOutBadValues",
    24: "snmpOutGenErrs",
    25: "snmpOutGetRequests",
    26: "snmpOutGetNexts",
    27: "snmpOutSetRequests",
    28: "snmpOutGetResponses",
    29: "snmpOutTraps",
    31: "snmpSilentDrops",
    32: "snmpProxyDrops",
}
MPD = ("snmpUnknownSecurityModels", "snmpInvalidMsgs", "snmpUnknownPDUHandlers")
USM_STATS = (
    "unsupported_security_levels",
    "not_in_time_windows",
    "unknown_user_names",
    "unknown_engine_ids",
    "wrong_digests",
    "decryption_errors",
)
AUTHEN_TRAPS = Oid.parse("1.3.6.1.2.1.11.30.0")
ENABLED, DISABLED = 1, 2


def _counter(name: str) -> Getter:
    return lambda source, _now: source.engine.counters[name] & 0xFFFFFFFF


def engine_rows() -> list[Instance]:
    """Return the rows that are the same for every view."""
    snmp = Oid.parse("1.3.6.1.2.1.11")
    engine = standard_tree().named("snmpEngine").oid
    rows = [Instance(snmp.child(number, 0), Tag.COUNTER32, _counter(name)) for number, name in GROUP.items()]
    for parent, names in (("snmpMPDStats", MPD), ("usmStats", USM_STATS)):
        oid = standard_tree().named(parent).oid
        rows += [Instance(oid.child(at, 0), Tag.COUNTER32, _counter(name)) for at, name in enumerate(names, start=1)]
    return [
        *rows,
        Instance(AUTHEN_TRAPS, Tag.INTEGER, _authen_traps, _check_authen_traps, _set_authen_traps),
        Instance(engine.child(1, 0), Tag.OCTET_STRING, lambda source, _now: source.engine.engine_id),
        Instance(engine.child(2, 0), Tag.INTEGER, lambda source, _now: source.engine.boots),
        Instance(engine.child(3, 0), Tag.INTEGER, lambda source, now: source.engine.engine_time_s(now)),
        Instance(engine.child(4, 0), Tag.INTEGER, lambda source, _now: source.engine.max_message),
    ]


def _authen_traps(source: RowSource, _now: Instant) -> Value:
    return ENABLED if source.engine.authentication_traps else DISABLED


def _check_authen_traps(_source: RowSource, value: Value, _now: Instant) -> ErrorStatus:
    return ErrorStatus.NO_ERROR if value in (ENABLED, DISABLED) else ErrorStatus.WRONG_VALUE


def _set_authen_traps(source: RowSource, value: Value, _now: Instant) -> None:
    source.engine.authentication_traps = value == ENABLED


class Member(NamedTuple):
    """Somebody with a right: a community under one message version, or a user."""

    model: int
    name: bytes
    right: Access
    level: int
    view: tuple[Oid, ...] = ()

    @property
    def view_name(self) -> bytes:
        """A user with a view of its own gives it its name."""
        return self.name if self.view else ALL_VIEW


def members_of(engine: SnmpEngine) -> tuple[Member, ...]:
    """Return everybody with a right."""
    rights = engine.communities()
    members = [Member(model, name, right, NO_AUTH) for name, right in rights.items() for model in (V1, V2C)]
    for user in engine.users.values():
        level = AUTH_PRIV if user.priv else AUTH if user.auth else NO_AUTH
        members.append(Member(USM, user.name, user.access, level, user.view))
    return tuple(members)


def access_rows(members: Iterable[Member]) -> list[Instance]:
    """The tables of RFC 3415 section 4 for communities and users, each in a group of its own."""
    vacm = Oid.parse("1.3.6.1.6.3.16.1")
    rows = [Instance(vacm.child(1, 1, 1, 0), Tag.OCTET_STRING, _always(b""), constant=True)]
    families: dict[bytes, tuple[Oid, ...]] = {ALL_VIEW: (ALL_SUBTREE,)}
    for member in members:
        at = (member.model, len(member.name), *member.name)
        rows += _row(vacm.child(2, 1), at, {3: member.name, 4: PERMANENT, 5: ACTIVE})
        key = (len(member.name), *member.name, 0, member.model, member.level)
        seen = member.view_name
        writes = seen if member.right is Access.WRITE else b""
        rows += _row(vacm.child(4, 1), key, {4: EXACT, 5: seen, 6: writes, 7: seen, 8: PERMANENT, 9: ACTIVE})
        families[seen] = member.view or (ALL_SUBTREE,)
    for name, subtrees in families.items():
        for subtree in subtrees:
            at = (len(name), *name, len(subtree), *subtree)
            rows += _row(vacm.child(5, 2, 1), at, {3: b"", 4: INCLUDED, 5: PERMANENT, 6: ACTIVE})
    return rows


def _always(value: Value) -> Getter:
    return lambda _view, _now: value


def _row(entry: Oid, index: tuple[int, ...], columns: Mapping[int, int | bytes]) -> list[Instance]:
    return [
        Instance(
            entry.child(column, *index),
            Tag.OCTET_STRING if isinstance(value, bytes) else Tag.INTEGER,
            _always(value),
            constant=True,
        )
        for column, value in columns.items()
    ]
