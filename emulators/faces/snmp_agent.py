"""An SNMP agent of versions 1, 2c and 3 over the rows of a device (RFC 1157, RFC 3416, RFC 3584, RFC 3412)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from ridethrough.emulators.bindings.snmp import (
    Access,
    Instance,
    Instances,
    RowSource,
    SnmpEngine,
    SnmpView,
    UsmUser,
    admits,
)
from ridethrough.emulators.faces.answer_cache import (
    MOST_SETTLED,
    MOST_VARIABLES,
    Plan,
    Shown,
    filled,
    identifier_span,
    known,
    plan_of,
    remember,
    respond,
    scoped_identifier_span,
    select,
    settled,
)
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, TrapV1, VarBind, Version, decode, encode, v3
from ridethrough.wire.snmp.codec import encode_varbind
from ridethrough.wire.snmp.engine import UsmEngine
from ridethrough.wire.snmp.v3 import Flags

# error-status of version 2 as version 1 says it (RFC 3584 section 4.3).
TO_V1: dict[ErrorStatus, ErrorStatus] = {
    ErrorStatus.WRONG_VALUE: ErrorStatus.BAD_VALUE,
    ErrorStatus.WRONG_ENCODING: ErrorStatus.BAD_VALUE,
    ErrorStatus.WRONG_TYPE: ErrorStatus.BAD_VALUE,
    ErrorStatus.WRONG_LENGTH: ErrorStatus.BAD_VALUE,
    ErrorStatus.INCONSISTENT_VALUE: ErrorStatus.BAD_VALUE,
    ErrorStatus.NO_ACCESS: ErrorStatus.NO_SUCH_NAME,
    ErrorStatus.NOT_WRITABLE: ErrorStatus.NO_SUCH_NAME,
    ErrorStatus.NO_CREATION: ErrorStatus.NO_SUCH_NAME,
    ErrorStatus.INCONSISTENT_NAME: ErrorStatus.NO_SUCH_NAME,
    ErrorStatus.AUTHORIZATION_ERROR: ErrorStatus.NO_SUCH_NAME,
    ErrorStatus.RESOURCE_UNAVAILABLE: ErrorStatus.GEN_ERR,
    ErrorStatus.COMMIT_FAILED: ErrorStatus.GEN_ERR,
    ErrorStatus.UNDO_FAILED: ErrorStatus.GEN_ERR,
}
# Counters of RFC 3418 by the error-status of version 1.
COUNTED: dict[ErrorStatus, str] = {
    ErrorStatus.TOO_BIG: "snmpOutTooBigs",
    ErrorStatus.NO_SUCH_NAME: "snmpOutNoSuchNames",
    ErrorStatus.BAD_VALUE: "snmpOutBadValues",
    ErrorStatus.GEN_ERR: "snmpOutGenErrs",
}
VERSIONS = (Version.V1, Version.V2C, v3.VERSION)
REQUESTS = (Kind.GET, Kind.GET_NEXT, Kind.GET_BULK, Kind.SET)
V3_ENVELOPE = 250  # headers, names, codes and padding at their longest
MIN_MESSAGE = 484  # every engine takes this much (RFC 3412 section 6.2)
ENVELOPE = 48  # octets around the community and the variable bindings, at most


class Revised(Protocol):
    """Where `revision` is another whenever the device's state may have changed other than by the passing of time."""

    revision: int


class SnmpAgent:
    """Requests in, answers out. `counters` carry the names of the snmp group (RFC 3418)."""

    def __init__(self, view: SnmpView, slot: Revised, salt: int = 0) -> None:
        self._view = view
        self._engine: SnmpEngine = view.engine
        self._source: RowSource = view.source
        self._slot = slot
        self._revision = slot.revision
        self._settled: dict[bytes, Plan] = {}  # of the present revision, and of the instances that all see
        self._settled_of: Instances | None = None
        self.counters = self._engine.counters
        self._usm = UsmEngine(self._engine.engine_id, lambda: self._engine.users, self.counters, salt)
        self._views: dict[tuple[Oid, ...], tuple[Instances, Instances]] = {}  # of users with a view of their own
        self.changed = False  # whether the last request may have changed the device

    def receive(self, data: bytes, manager: str, now: Instant) -> bytes | None:
        """The answer to a datagram, or None where an agent stays silent. Raises nothing."""
        self.changed = False
        if not self._engine.answering(now):
            return None
        self.counters["snmpInPkts"] += 1
        span = identifier_span(data)
        if span is not None and (answer := self._again(data, *span, manager, now)) is not None:
            return answer
        try:
            if span is None and self._engine.users and v3.is_v3(data):
                return self._receive_v3(data, manager, now)
            message = decode(data)
        except WireError:
            self.counters["snmpInBadVersions" if _foreign(data) else "snmpInASNParseErrs"] += 1
            return None
        pdu = message.pdu
        if isinstance(pdu, TrapV1) or pdu.kind not in REQUESTS:
            self.counters["snmpUnknownPDUHandlers"] += 1
            return None
        access = self._engine.access(message.community, manager)
        if access is Access.NONE:
            self.counters["snmpInBadCommunityNames"] += 1
            self._engine.authentication_failed(now)
            self.changed = True
            return None
        if pdu.kind is not Kind.SET and span is not None:
            envelope = ENVELOPE + len(message.community)
            self._plan(message.version, message.community, pdu, data, span, envelope, self._view.instances)
        return self._answer(message, pdu, access, now)

    def _plan(
        self,
        version: Version,
        community: bytes,
        pdu: Pdu,
        data: bytes,
        span: tuple[int, int],
        envelope: int,
        instances: Instances,
    ) -> None:
        """Remember what answers this request, unless that is an error."""
        shown = [*islice(select(pdu, instances), MOST_VARIABLES + 1)]
        if version is Version.V1 and any(item.row is None for item in shown):
            return
        plan = plan_of(community, pdu, shown, data, self._engine.max_message - envelope)
        if plan is not None:
            remember(instances, data[: span[0]] + data[span[1] :], plan)

    def _again(self, data: bytes, start: int, stop: int, manager: str, now: Instant) -> bytes | None:
        """The answer to a request that came before, but for its identifier; None for any other."""
        engine = self._engine
        plan = self._known(self._view.instances, data, start, stop, ENVELOPE, now)
        if plan is None or engine.access(plan.community, manager) is Access.NONE:
            return None
        return self._filled(plan, data, start, stop, ENVELOPE + len(plan.community), now, engine.max_message)

    def _known(
        self, instances: Instances, data: bytes, start: int, stop: int, envelope: int, now: Instant
    ) -> Plan | None:
        """The plan for a request, with what does not change now filled in."""
        key, view = data[:start] + data[stop:], self._view
        if instances is not view.instances:
            return known(instances, key)  # of a user who sees less: what others see is none of it
        if self._revision != self._slot.revision or self._settled_of is not instances:
            self._revision, self._settled_of = self._slot.revision, instances
            self._settled.clear()
        plan = self._settled.get(key)
        if plan is not None:
            return plan
        plan = known(instances, key)
        if plan is not None and len(self._settled) < MOST_SETTLED and view.resting(now):
            if plan.fixed is None:
                room = self._engine.max_message - envelope - len(plan.community)
                plan = settled(plan, data[start - 2 : stop], self._source, now, room)
            self._settled[key] = plan
        return plan

    def _filled(
        self, plan: Plan, data: bytes, start: int, stop: int, envelope: int, now: Instant, most: int
    ) -> bytes | None:
        """A plan with the identifier of a request and the values of the present; None above `most` octets."""
        count = len(plan.shown)
        if plan.fixed is not None:
            answer = plan.fixed[0] + data[start:stop] + plan.fixed[1]
        else:
            known = filled(plan, self._source, now, self._engine.max_message - envelope)
            if known is None:
                return None
            variables, count = known
            answer = respond(plan.head, data[start - 2 : stop], variables)
        if len(answer) > most:
            return None
        self._count(plan.kind, count)
        return answer

    def _count(self, kind: Kind, variables: int) -> None:
        """A reading request that was answered without an error."""
        counters = self.counters
        if kind is not Kind.GET_BULK:
            counters["snmpInGetRequests" if kind is Kind.GET else "snmpInGetNexts"] += 1
        counters["snmpInTotalReqVars"] += variables
        counters["snmpOutPkts"] += 1
        counters["snmpOutGetResponses"] += 1

    def _receive_v3(self, data: bytes, manager: str, now: Instant) -> bytes | None:
        """RFC 3412 section 7.2. Raises WireError."""
        boots, time_s = self._engine.boots, self._engine.engine_time_s(now)
        request = self._usm.open(data, boots, time_s)
        if request is None or isinstance(request, bytes):
            return request
        user, header = request.user, request.message.header
        if not admits(user.manager, manager):
            self._engine.authentication_failed(now)
            self.changed = True
            return None
        lowest = (Flags.AUTH if user.auth else 0) | (Flags.PRIV if user.priv else 0)
        room = min(self._engine.max_message, max(MIN_MESSAGE, header.max_size))
        span = scoped_identifier_span(request.payload)
        if span is not None and header.flags & lowest == lowest:
            payload = self._again_scoped(request.payload, *span, user, now, room - V3_ENVELOPE)
            if payload is not None:
                return self._usm.seal(request, payload, boots, time_s)
        scoped = self._usm.read(request, boots, time_s)
        if scoped is None or isinstance(scoped, bytes):
            return scoped
        pdu = scoped.pdu
        if pdu.kind not in REQUESTS:
            self.counters["snmpUnknownPDUHandlers"] += 1
            return None
        if scoped.name:
            self.counters["snmpUnknownContexts"] += 1
            return None
        if header.flags & lowest != lowest:
            # RFC 3415: no view for a user below the level of its access row.
            answer = Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.AUTHORIZATION_ERROR, 0, pdu.varbinds)
        else:
            instances = self._seen_by(user)
            if pdu.kind is not Kind.SET and span is not None:
                self._plan(Version.V2C, b"", pdu, request.payload, span, V3_ENVELOPE, instances)
            answer = self._respond(Version.V2C, pdu, user.access, now, V3_ENVELOPE, instances)
        sealed = self._usm.seal(request, v3.encode_scoped(scoped._replace(pdu=answer)), boots, time_s)
        if len(sealed) > room:
            self.counters["snmpOutTooBigs"] += 1
            too_big = Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.TOO_BIG, 0, ())
            sealed = self._usm.seal(request, v3.encode_scoped(scoped._replace(pdu=too_big)), boots, time_s)
        return sealed

    def _again_scoped(
        self, payload: bytes, start: int, stop: int, user: UsmUser, now: Instant, most: int
    ) -> bytes | None:
        """The scoped PDU that answers one that came before, but for its identifier; None for any other."""
        plan = self._known(self._seen_by(user), payload, start, stop, V3_ENVELOPE, now)
        return None if plan is None else self._filled(plan, payload, start, stop, V3_ENVELOPE, now, most)

    def _answer(self, message: Message, pdu: Pdu, access: Access, now: Instant) -> bytes:
        version = message.version
        response = self._respond(version, pdu, access, now, ENVELOPE + len(message.community), self._view.instances)
        answer = encode(message._replace(pdu=response))
        if len(answer) > self._engine.max_message:
            self.counters["snmpOutTooBigs"] += 1
            kept = pdu.varbinds if version is Version.V1 else ()
            answer = encode(message._replace(pdu=Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.TOO_BIG, 0, kept)))
        return answer

    def _seen_by(self, user: UsmUser) -> Instances:
        """The instances in the user's view (RFC 3415)."""
        instances = self._view.instances
        if not user.view:
            return instances
        whole, seen = self._views.get(user.view, (None, None))
        if seen is None or whole is not instances:
            seen = instances.within(user.view)
            self._views[user.view] = (instances, seen)
        return seen

    def _respond(
        self, version: Version, pdu: Pdu, access: Access, now: Instant, envelope: int, instances: Instances
    ) -> Pdu:
        """The Response to a request; `envelope` are the octets round the variables of the answer, at most."""
        match pdu.kind:
            case Kind.SET:
                self.counters["snmpInSetRequests"] += 1
                status, index, varbinds = self._set(pdu.varbinds, access, now, instances)
                self.counters["snmpInTotalSetVars"] += 0 if status else len(pdu.varbinds)
            case Kind.GET_BULK:
                status, index, varbinds = ErrorStatus.NO_ERROR, 0, self._get_bulk(pdu, now, envelope, instances)
                self.counters["snmpInTotalReqVars"] += len(varbinds)
            case _:
                status, index, varbinds = self._get(version, pdu, now, instances)
                self.counters["snmpInGetRequests" if pdu.kind is Kind.GET else "snmpInGetNexts"] += 1
                self.counters["snmpInTotalReqVars"] += len(varbinds)
        if status and version is Version.V1:
            status = TO_V1.get(status, status)
        if status:
            if status in COUNTED:
                self.counters[COUNTED[status]] += 1
            varbinds = pdu.varbinds  # RFC 1157 section 4.1.2: as received
        self.counters["snmpOutPkts"] += 1
        self.counters["snmpOutGetResponses"] += 1
        return Pdu(Kind.RESPONSE, pdu.request_id, status, index, tuple(varbinds))

    def _get(
        self, version: Version, pdu: Pdu, now: Instant, instances: Instances
    ) -> tuple[ErrorStatus, int, Sequence[VarBind]]:
        result: list[VarBind] = []
        for index, found in enumerate(select(pdu, instances), start=1):
            if version is Version.V1 and found.row is None:
                return ErrorStatus.NO_SUCH_NAME, index, ()
            result.append(self._read(found, now))
        return ErrorStatus.NO_ERROR, 0, result

    def _read(self, found: Shown, now: Instant) -> VarBind:
        row = found.row
        if row is None:
            return VarBind(found.oid, found.exception, None)
        return VarBind(row.oid, row.tag, row.get(self._source, now))

    def _get_bulk(self, pdu: Pdu, now: Instant, envelope: int, instances: Instances) -> list[VarBind]:
        """Cut to the message size rather than refused."""
        room = self._engine.max_message - envelope
        result: list[VarBind] = []
        for found in select(pdu, instances):
            result.append(self._read(found, now))
            room -= len(encode_varbind(result[-1]))
            if room < 0:
                return result[:-1]
        return result

    def _set(
        self, varbinds: Sequence[VarBind], access: Access, now: Instant, instances: Instances
    ) -> tuple[ErrorStatus, int, Sequence[VarBind]]:
        """RFC 3416 section 4.2.5: everything is checked before anything changes."""
        rows: list[tuple[Instance, VarBind]] = []
        for index, wanted in enumerate(varbinds, start=1):
            row = instances.get(wanted.oid)
            if row is None and self._engine.lenient_set:
                row = instances.get(wanted.oid.child(0))
            status = self._judge(row, wanted, access, now)
            if status or row is None:
                return status, index, ()
            rows.append((row, wanted))
        for row, wanted in rows:
            if row.apply is not None:
                row.apply(self._source, wanted.value, now)
        self.changed = True
        self._settled.clear()
        return ErrorStatus.NO_ERROR, 0, varbinds

    def _judge(self, row: Instance | None, wanted: VarBind, access: Access, now: Instant) -> ErrorStatus:
        if access is not Access.WRITE:
            self.counters["snmpInBadCommunityUses"] += 1
            return ErrorStatus.NO_ACCESS
        if row is None or row.check is None:
            return ErrorStatus.NOT_WRITABLE
        if wanted.tag != row.tag:
            return ErrorStatus.WRONG_TYPE
        return row.check(self._source, wanted.value, now)


def _foreign(data: bytes) -> bool:
    """Whether a datagram is of a version that nobody here speaks."""
    try:
        return v3.version_of(data) not in VERSIONS
    except WireError:
        return False
