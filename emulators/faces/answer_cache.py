"""Requests that come again: an answer is put together once, and sent again with the identifier of each request.

A manager asks the same things every few seconds, and only the request identifier differs. A cached answer belongs to
one set of instances and to the octets of one request without its identifier, so it needs no invalidation: values that
may change are read each time, and another set of instances starts with an empty cache. A copy in which the steady
values of a device at rest are filled in holds until something is done to the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from ridethrough.emulators.bindings.snmp import Instances, RowSource, SnmpView
from ridethrough.emulators.faces.answer_items import AnswerItem, encode_fitting, encode_item, select
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire import ber
from ridethrough.wire.snmp import Kind, Pdu, Version

MAX_VARIABLES = 128
MAX_STEADY = 1024  # answers with values filled in, of one device
NO_ERROR = b"\x02\x01\x00\x02\x01\x00"  # error-status and error-index


class CachedAnswer(NamedTuple):
    """An answer without its request identifier, as far as it is known; its community is judged anew each time."""

    community: bytes
    kind: Kind
    """The kind of the request."""
    items: tuple[AnswerItem, ...]
    head: bytes
    """The octets before the PDU: version and community, or context, as they were sent."""
    parts: tuple[bytes | AnswerItem, ...]
    """The items, with neighbours that do not change put together."""
    frame: tuple[bytes, bytes] | None
    """The whole answer before and behind its identifier, where no variable changes."""


class Revised(Protocol):
    """Something whose `revision` is another whenever a device's state may have changed but for the passing of time."""

    revision: int


class AnswerCache:
    """The cached answers of an agent. Those in which values are filled in are its own; others may be shared."""

    def __init__(self, view: SnmpView, slot: Revised) -> None:
        """`slot` has the revision of the device that `view` shows."""
        self._view = view
        self._engine = view.engine
        self._source = view.source
        self._slot = slot
        self._steady: dict[bytes, CachedAnswer] = {}  # with values filled in: of this revision and these instances
        self._steady_revision = slot.revision
        self._steady_instances: Instances | None = None

    def get(
        self, instances: Instances, data: bytes, span: tuple[int, int], envelope: int, now: Instant
    ) -> CachedAnswer | None:
        """Return the answer to a request whose identifier stands at `span`; None when it has none yet.

        Values that do not change while the device rests are filled in if it rests. `envelope` is the number of octets
        around the variables of an answer, its community excluded.
        """
        key, view = _key(data, span), self._view
        if instances is not view.instances:
            return lookup(instances, key)  # of a user who sees less: what others see is none of it
        if self._steady_revision != self._slot.revision or self._steady_instances is not instances:
            self._steady_revision, self._steady_instances = self._slot.revision, instances
            self._steady.clear()
        cached = self._steady.get(key)
        if cached is not None:
            return cached
        cached = lookup(instances, key)
        if cached is not None and len(self._steady) < MAX_STEADY and view.resting(now):
            if cached.frame is None:
                room = self._room(envelope, cached.community)
                cached = with_steady_values(cached, data[span[0] - 2 : span[1]], self._source, now, room)
            self._steady[key] = cached
        return cached

    def put(
        self,
        instances: Instances,
        data: bytes,
        span: tuple[int, int],
        envelope: int,
        version: Version,
        community: bytes,
        pdu: Pdu,
    ) -> None:
        """Keep what answers a reading request, unless that is an error, or too much to keep."""
        items = [*islice(select(pdu, instances), MAX_VARIABLES + 1)]
        if len(items) > MAX_VARIABLES or (version is Version.V1 and any(item.row is None for item in items)):
            return
        cached = cached_answer(community, pdu, items, data, self._room(envelope, community))
        store(instances, _key(data, span), cached)

    def render(
        self, cached: CachedAnswer, data: bytes, span: tuple[int, int], envelope: int, now: Instant
    ) -> tuple[bytes, int] | None:
        """Return the octets of an answer with its present values, and the number of its variables.

        None when they do not fit into a message.
        """
        start, stop = span
        if cached.frame is not None:
            return cached.frame[0] + data[start:stop] + cached.frame[1], len(cached.items)
        rendered = render(cached, self._source, now, self._room(envelope, cached.community))
        if rendered is None:
            return None
        variables, count = rendered
        return respond(cached.head, _pdu_content(data[start - 2 : stop], variables)), count

    def forget_values(self) -> None:
        """Forget the values that were filled in; called after a change that the revision does not show yet."""
        self._steady.clear()

    def _room(self, envelope: int, community: bytes) -> int:
        return self._engine.max_message - envelope - len(community)


def _key(data: bytes, span: tuple[int, int]) -> bytes:
    return data[: span[0]] + data[span[1] :]


def render(cached: CachedAnswer, source: RowSource, now: Instant, room: int) -> tuple[bytes, int] | None:
    """Return the variables of an answer with their present values, and how many they are.

    Of a GETBULK, as many as fit into `room` octets; None for another request whose variables do not fit.
    """
    variables = b"".join(part if isinstance(part, bytes) else encode_item(part, source, now) for part in cached.parts)
    if len(variables) <= room:
        return variables, len(cached.items)
    if cached.kind is not Kind.GET_BULK:
        return None
    octets = encode_fitting(cached.items, source, now, room)
    return b"".join(octets), len(octets)


def identifier_span(data: bytes) -> tuple[int, int] | None:
    """Return start and end of the request identifier's octets in a community message; None for a rare shape."""
    return _span(data, ber.INTEGER)


def scoped_identifier_span(data: bytes) -> tuple[int, int] | None:
    """Return the same of a scoped PDU."""
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


def lookup(instances: Instances, key: bytes) -> CachedAnswer | None:
    """Return the answer to a request from these instances, or from those below that others share.

    Nobody asks for the shared ones alone, so only `store` decides what is kept with them.
    """
    cached: CachedAnswer | None = instances.answers.get(key)
    if cached is None and instances.base is not None:
        cached = instances.base.answers.get(key)
    return cached


def store(instances: Instances, key: bytes, cached: CachedAnswer) -> None:
    """Keep an answer with the instances it was made of, while there is room: the first requests come most often."""
    base = instances.base
    if base is not None and cached.kind is Kind.GET and all(item.row and base.get(item.oid) for item in cached.items):
        if len(base.answers) < base.max_answers:
            base.answers[key] = cached
    elif len(instances.answers) < instances.max_answers:
        instances.answers[key] = cached


def _fewest(data: bytes, at: int, length: int) -> bool:
    """Return whether an integer has no octet that says nothing (X.690 section 8.3.2)."""
    first = data[at]
    return length == 1 or first not in (0x00, 0xFF) or (data[at + 1] >= 0x80) == (first == 0x00)


def cached_answer(community: bytes, pdu: Pdu, items: Sequence[AnswerItem], data: bytes, room: int) -> CachedAnswer:
    """Return the answer to a request that is answered without an error; its variables may take `room` octets."""
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    end = at + 2 + data[at + 1]
    end += 2 + data[end + 1]
    head = data[at:end]
    parts = _joined(item.octets or item for item in items)
    frame = _frame(head, ber.encode_integer(pdu.request_id), parts, room)
    return CachedAnswer(community, pdu.kind, tuple(items), head, parts, frame)


def with_steady_values(
    cached: CachedAnswer, identifier: bytes, source: RowSource, now: Instant, room: int
) -> CachedAnswer:
    """Return a copy with the present values of steady rows filled in, which holds as long as the device rests.

    `identifier` is that of the request, with tag and length; any other of the same length will do as well.
    """
    parts = _joined(
        encode_item(part, source, now)
        if isinstance(part, AnswerItem) and part.row is not None and part.row.steady
        else part
        for part in cached.parts
    )
    return cached._replace(parts=parts, frame=_frame(cached.head, identifier, parts, room))


def _joined(parts: Iterable[bytes | AnswerItem]) -> tuple[bytes | AnswerItem, ...]:
    """Put neighbouring octets together."""
    result: list[bytes | AnswerItem] = []
    for part in parts:
        if result and isinstance(part, bytes) and isinstance(result[-1], bytes):
            result[-1] += part
        else:
            result.append(part)
    return tuple(result)


def _frame(
    head: bytes, identifier: bytes, parts: tuple[bytes | AnswerItem, ...], room: int
) -> tuple[bytes, bytes] | None:
    """Return the answer before and behind its identifier, where no variable changes and all fit."""
    if len(parts) != 1 or not isinstance(parts[0], bytes) or len(parts[0]) > room:
        return None
    content = _pdu_content(identifier, parts[0])
    answer = respond(head, content)
    start = len(answer) - len(content) + 2  # the PDU ends the message, and begins with its identifier's tag and length
    return answer[:start], answer[start + len(identifier) - 2 :]


def _pdu_content(identifier: bytes, variables: bytes) -> bytes:
    return identifier + NO_ERROR + ber.encode(ber.SEQUENCE, variables)


def respond(head: bytes, content: bytes) -> bytes:
    """Return a whole message with a Response of this content."""
    return ber.encode(ber.SEQUENCE, head + ber.encode(Kind.RESPONSE, content))
