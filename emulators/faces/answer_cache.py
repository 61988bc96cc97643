"""Requests that come again: what an answer is made of, found out once.

A manager asks the same things every few seconds, and only the request identifier differs. A plan belongs to one set of
instances and to the octets of one request without its identifier, so it needs no invalidation: values that may change
are read each time, and another set of instances starts without plans. A plan settled for a device at rest has the
steady values filled in, and is good until something is done to the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ridethrough.emulators.bindings.snmp import Instance, Instances, RowSource
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind
from ridethrough.wire.snmp.codec import encode_value, encode_varbind

MOST_VARIABLES = 128
MOST_SETTLED = 1024  # plans with values filled in, of one device
NO_ERROR = b"\x02\x01\x00\x02\x01\x00"  # error-status and error-index


class Shown(NamedTuple):
    """A variable of an answer: a row, or an exception where there is none. `octets` are those of what never changes."""

    oid: Oid
    row: Instance | None
    exception: Tag
    octets: bytes
    name: bytes


class Plan(NamedTuple):
    """`community` has still to be judged; `kind` is that of the request."""

    community: bytes
    kind: Kind
    shown: tuple[Shown, ...]
    head: bytes  # what stands before the PDU: version and community, or context, as they were sent
    parts: tuple[bytes | Shown, ...]  # what is shown, with neighbours that never change put together
    fixed: tuple[bytes, bytes] | None  # the answer before and behind its identifier, where no variable changes


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


def render(item: Shown, source: RowSource, now: Instant) -> bytes:
    """The variable with its present value."""
    if item.octets or item.row is None:
        return item.octets
    content = item.name + encode_value(item.row.tag, item.row.get(source, now))
    return ber.encode(ber.SEQUENCE, content)


def filled(plan: Plan, source: RowSource, now: Instant, room: int) -> tuple[bytes, int] | None:
    """The variables of a plan with their present values, of a GETBULK as many as fit, and how many these are.

    None when they do not fit.
    """
    variables = b"".join(part if isinstance(part, bytes) else render(part, source, now) for part in plan.parts)
    if len(variables) <= room:
        return variables, len(plan.shown)
    if plan.kind is not Kind.GET_BULK:
        return None
    octets = fitting(plan.shown, source, now, room)
    return b"".join(octets), len(octets)


def fitting(shown: Iterable[Shown], source: RowSource, now: Instant, room: int) -> list[bytes]:
    """Variables up to the first that does not fit into `room` octets."""
    octets: list[bytes] = []
    for item in shown:
        octets.append(render(item, source, now))
        room -= len(octets[-1])
        if room < 0:
            del octets[-1]
            break
    return octets


def identifier_span(data: bytes) -> tuple[int, int] | None:
    """Where the request identifier's octets stand in a well-formed community message; None for a rare shape."""
    return _span(data, ber.INTEGER)


def scoped_identifier_span(data: bytes) -> tuple[int, int] | None:
    """Likewise, in a scoped PDU."""
    return _span(data, ber.OCTET_STRING)


def _span(data: bytes, first: int) -> tuple[int, int] | None:
    try:
        at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        if data[at] != first or data[at + 1] >= 0x80:
            return None
        at += 2 + data[at + 1]  # version, or engine of the context
        if data[at] != ber.OCTET_STRING or data[at + 1] >= 0x80:
            return None
        at += 2 + data[at + 1]  # community, or name of the context
        at += 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)
        length = data[at + 1]
        # An identifier in the fewest octets, which an answer repeats as they are.
        if data[at] != ber.INTEGER or not 1 <= length <= 4 or not _fewest(data, at + 2, length):
            return None
        return at + 2, at + 2 + length
    except IndexError:
        return None


def known(instances: Instances, key: bytes) -> Plan | None:
    """The plan for a request, of these instances, or of all that have the same ones below.

    What lies below is asked for by nobody directly, so its plans are those that `remember` says it may have.
    """
    plan: Plan | None = instances.plans.get(key)
    if plan is None and instances.base is not None:
        plan = instances.base.plans.get(key)
    return plan


def remember(instances: Instances, key: bytes, plan: Plan) -> None:
    """Keep a plan with the instances it was made for, while there is room: the first requests come most often."""
    base = instances.base
    if base is not None and plan.kind is Kind.GET and all(item.row and base.get(item.oid) for item in plan.shown):
        if len(base.plans) < base.most_plans:
            base.plans[key] = plan
    elif len(instances.plans) < instances.most_plans:
        instances.plans[key] = plan


def _fewest(data: bytes, at: int, length: int) -> bool:
    """Whether an integer has no octet that says nothing (X.690 section 8.3.2)."""
    first = data[at]
    return length == 1 or first not in (0x00, 0xFF) or (data[at + 1] >= 0x80) == (first == 0x00)


def plan_of(community: bytes, pdu: Pdu, shown: Sequence[Shown], data: bytes, room: int) -> Plan | None:
    """A plan for a request that was answered without an error; None when it is not worth keeping.

    `room` is what its variables may take.
    """
    if len(shown) > MOST_VARIABLES:
        return None
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    end = at + 2 + data[at + 1]
    end += 2 + data[end + 1]
    head = data[at:end]
    parts = _joined(item.octets or item for item in shown)
    fixed = _fixed(head, ber.encode_integer(pdu.request_id), parts, room)
    return Plan(community, pdu.kind, tuple(shown), head, parts, fixed)


def settled(plan: Plan, identifier: bytes, source: RowSource, now: Instant, room: int) -> Plan:
    """The plan with the present values of steady rows, for as long as the device rests.

    `identifier` is that of the request, with tag and length; any other of the same length will do as well.
    """
    parts = _joined(
        render(part, source, now) if isinstance(part, Shown) and part.row is not None and part.row.steady else part
        for part in plan.parts
    )
    return plan._replace(parts=parts, fixed=_fixed(plan.head, identifier, parts, room))


def _joined(parts: Iterable[bytes | Shown]) -> tuple[bytes | Shown, ...]:
    """Neighbouring octets put together."""
    result: list[bytes | Shown] = []
    for part in parts:
        if result and isinstance(part, bytes) and isinstance(result[-1], bytes):
            result[-1] += part
        else:
            result.append(part)
    return tuple(result)


def _fixed(head: bytes, identifier: bytes, parts: tuple[bytes | Shown, ...], room: int) -> tuple[bytes, bytes] | None:
    """The answer before and behind its identifier, where no variable changes and all fit."""
    if len(parts) != 1 or not isinstance(parts[0], bytes) or len(parts[0]) > room:
        return None
    answer = respond(head, identifier, parts[0])
    start = answer.index(identifier + NO_ERROR, len(head)) + 2
    return answer[:start], answer[start + len(identifier) - 2 :]


def respond(head: bytes, identifier: bytes, variables: bytes) -> bytes:
    """A whole message with a Response in it."""
    response = ber.encode(Kind.RESPONSE, identifier + NO_ERROR + ber.encode(ber.SEQUENCE, variables))
    return ber.encode(ber.SEQUENCE, head + response)
