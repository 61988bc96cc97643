"""The variables of an answer, as items that can be encoded now or kept for later (RFC 3416 section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ridethrough.emulators.bindings.snmp import Instance, Instances, RowSource
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind
from ridethrough.wire.snmp.codec import encode_value, encode_varbind


class AnswerItem(NamedTuple):
    """A variable of an answer: a row, or an exception where there is none."""

    oid: Oid
    row: Instance | None
    exception: Tag
    octets: bytes
    """The whole variable binding where it never changes, else nothing."""
    name: bytes
    """The encoded name of a row."""


def exact(oid: Oid, instances: Instances) -> AnswerItem:
    """Return the answer to a GET. Cards answer noSuchObject, not noSuchInstance, for whatever is absent."""
    return _item(oid, instances.get(oid), Tag.NO_SUCH_OBJECT)


def following(oid: Oid, instances: Instances) -> AnswerItem:
    """Return the answer to a GETNEXT."""
    return _item(oid, instances.after(oid), Tag.END_OF_MIB_VIEW)


def select(pdu: Pdu, instances: Instances) -> Iterable[AnswerItem]:
    """Yield the variables that answer a reading request, of a GETBULK as many as it asks for (section 4.2.3)."""
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


def _item(oid: Oid, row: Instance | None, exception: Tag) -> AnswerItem:
    if row is None:
        return AnswerItem(oid, None, exception, encode_varbind(VarBind(oid, exception, None)), b"")
    name = ber.encode_oid(row.oid)
    if not row.constant:
        return AnswerItem(row.oid, row, exception, b"", name)
    value = row.get(None, Instant(0))
    return AnswerItem(row.oid, row, exception, encode_varbind(VarBind(row.oid, row.tag, value)), name)


def encode_item(item: AnswerItem, source: RowSource, now: Instant) -> bytes:
    """Return the variable binding with its present value."""
    if item.octets or item.row is None:
        return item.octets
    content = item.name + encode_value(item.row.tag, item.row.get(source, now))
    return ber.encode(ber.SEQUENCE, content)


def encode_fitting(items: Iterable[AnswerItem], source: RowSource, now: Instant, room: int) -> list[bytes]:
    """Return variables up to the first that does not fit into `room` octets."""
    octets: list[bytes] = []
    for item in items:
        octets.append(encode_item(item, source, now))
        room -= len(octets[-1])
        if room < 0:
            del octets[-1]
            break
    return octets
