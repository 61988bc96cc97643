"""Requests that come again: what an answer is made of, found out once.

A manager asks the same things every few seconds, and only the request identifier differs. A plan belongs to one set of
instances and to the octets of one request without its identifier, so it needs no invalidation: values that may change
are read each time, and another set of instances starts without plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from emulators.bindings.snmp import Instance, Instances, SnmpView
from emulators.kernel.instant import Instant
from mibs import Oid
from wire import ber
from wire.snmp import Kind, Pdu, Tag, VarBind, Version
from wire.snmp.codec import encode_value, encode_varbind

MOST_PLANS = 64  # of one set of instances
MOST_VARIABLES = 128
NO_ERROR = b"\x02\x01\x00\x02\x01\x00"  # error-status and error-index


class Shown(NamedTuple):
    """A variable of an answer: a row, or an exception where there is none. `octets` are those of what never changes."""

    oid: Oid
    row: Instance | None
    exception: Tag
    octets: bytes
    name: bytes


class Plan(NamedTuple):
    """`community` has still to be judged, `version` and `kind` are those of the request."""

    version: Version
    community: bytes
    kind: Kind
    shown: tuple[Shown, ...]
    head: bytes  # version and community as they were sent
    fixed: bytes | None  # all variables, where none of them changes


def exact(oid: Oid, instances: Instances) -> Shown:
    """What GET shows. Cards answer noSuchObject, not noSuchInstance, for whatever is absent."""
    return _shown(oid, instances.get(oid), Tag.NO_SUCH_OBJECT)


def following(oid: Oid, instances: Instances) -> Shown:
    """What GETNEXT shows."""
    return _shown(oid, instances.after(oid), Tag.END_OF_MIB_VIEW)


def select(pdu: Pdu, instances: Instances) -> Iterable[Shown]:
    """The variables that answer a reading request, of a GETBULK as many as it asks for (RFC 3416 section 4.2.3)."""
    if pdu.kind is not Kind.GET_BULK:
        find = following if pdu.kind is Kind.GET_NEXT else exact
        yield from (find(asked.oid, instances) for asked in pdu.varbinds)
        return
    fixed = max(0, min(pdu.error_status, len(pdu.varbinds)))
    yield from (following(asked.oid, instances) for asked in pdu.varbinds[:fixed])
    names = [asked.oid for asked in pdu.varbinds[fixed:]]
    for _ in range(max(0, pdu.error_index) if names else 0):
        found = [following(name, instances) for name in names]
        yield from found
        if all(item.row is None for item in found):
            return
        names = [item.oid for item in found]


def _shown(oid: Oid, row: Instance | None, exception: Tag) -> Shown:
    if row is None:
        return Shown(oid, None, exception, encode_varbind(VarBind(oid, exception, None)), b"")
    name = ber.encode_oid(row.oid)
    if not row.constant:
        return Shown(row.oid, row, exception, b"", name)
    value = row.get(None, Instant(0))
    return Shown(row.oid, row, exception, encode_varbind(VarBind(row.oid, row.tag, value)), name)


def render(item: Shown, view: SnmpView, now: Instant) -> bytes:
    """The variable with its present value."""
    if item.octets or item.row is None:
        return item.octets
    content = item.name + encode_value(item.row.tag, item.row.get(view, now))
    return ber.encode(ber.SEQUENCE, content)


def fitting(shown: Iterable[Shown], view: SnmpView, now: Instant, room: int) -> list[bytes]:
    """Variables up to the first that does not fit into `room` octets."""
    octets: list[bytes] = []
    for item in shown:
        octets.append(render(item, view, now))
        room -= len(octets[-1])
        if room < 0:
            del octets[-1]
            break
    return octets


def identifier_span(data: bytes) -> tuple[int, int] | None:
    """Where the request identifier's octets stand in a well-formed community message; None for a rare shape."""
    try:
        at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        at += 2 + data[at + 1]  # version
        at += 2 + data[at + 1]  # community
        at += 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)
        length = data[at + 1]
        # An identifier in the fewest octets, which an answer repeats as they are.
        if data[at] != ber.INTEGER or not 1 <= length <= 4 or data[at + 2] in (0x00, 0xFF):
            return None
        return at + 2, at + 2 + length
    except IndexError:
        return None


def remember(instances: Instances, key: bytes, plan: Plan) -> None:
    """Keep a plan with the instances it was made for."""
    if len(instances.plans) >= MOST_PLANS:
        instances.plans.clear()
    instances.plans[key] = plan


def plan_of(version: Version, community: bytes, pdu: Pdu, shown: Sequence[Shown], data: bytes) -> Plan | None:
    """A plan for a request that was answered without an error; None when it is not worth keeping."""
    if len(shown) > MOST_VARIABLES:
        return None
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    end = at + 2 + data[at + 1]
    end += 2 + data[end + 1]
    constant = all(item.octets for item in shown) and pdu.kind is not Kind.GET_BULK
    fixed = b"".join(item.octets for item in shown) if constant else None
    return Plan(version, community, pdu.kind, tuple(shown), data[at:end], fixed)
