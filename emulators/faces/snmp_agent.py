"""An SNMP agent of versions 1, 2c and 3 over the rows of a device (RFC 1157, RFC 3416, RFC 3584, RFC 3412)."""

from __future__ import annotations

from collections.abc import Sequence

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
    AnswerCache,
    CachedAnswer,
    Revised,
    identifier_span,
    scoped_identifier_span,
)
from ridethrough.emulators.faces.answer_items import AnswerItem, select
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


class SnmpAgent:
    """Requests in, answers out. `counters` carry the names of the snmp group (RFC 3418)."""

    def __init__(self, view: SnmpView, slot: Revised, salt: int = 0) -> None:
        self._view = view
        self._engine: SnmpEngine = view.engine
        self._source: RowSource = view.source
        self._cache = AnswerCache(view, slot)
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
        if span is not None:
            cached = self._cache.get(self._view.instances, data, span, ENVELOPE, now)
            if cached is not None and self._engine.access(cached.community, manager) is not Access.NONE:
                answer = self._answer_from_cache(cached, data, span, ENVELOPE, self._engine.max_message, now)
                if answer is not None:
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
            instances = self._view.instances
            self._cache.put(instances, data, span, ENVELOPE, message.version, message.community, pdu)
        return self._answer(message, pdu, access, now)

    def _answer_from_cache(
        self, cached: CachedAnswer, data: bytes, span: tuple[int, int], envelope: int, most: int, now: Instant
    ) -> bytes | None:
        """Return a cached answer with the identifier of a request and the present values; None above `most` octets."""
        rendered = self._cache.render(cached, data, span, envelope, now)
        if rendered is None or len(rendered[0]) > most:
            return None
        self._count_read(cached.kind, rendered[1])
        self._count_response()
        return rendered[0]

    def _count_read(self, kind: Kind, variables: int) -> None:
        """Count a reading request with the variables of its answer."""
        if kind is not Kind.GET_BULK:
            self.counters["snmpInGetRequests" if kind is Kind.GET else "snmpInGetNexts"] += 1
        self.counters["snmpInTotalReqVars"] += variables

    def _count_response(self) -> None:
        self.counters["snmpOutPkts"] += 1
        self.counters["snmpOutGetResponses"] += 1

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
            cached = self._cache.get(self._seen_by(user), request.payload, span, V3_ENVELOPE, now)
            if cached is not None:
                most = room - V3_ENVELOPE
                payload = self._answer_from_cache(cached, request.payload, span, V3_ENVELOPE, most, now)
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
                self._cache.put(instances, request.payload, span, V3_ENVELOPE, Version.V2C, b"", pdu)
            answer = self._respond(Version.V2C, pdu, user.access, now, V3_ENVELOPE, instances)
        sealed = self._usm.seal(request, v3.encode_scoped(scoped._replace(pdu=answer)), boots, time_s)
        if len(sealed) > room:
            self.counters["snmpOutTooBigs"] += 1
            too_big = Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.TOO_BIG, 0, ())
            sealed = self._usm.seal(request, v3.encode_scoped(scoped._replace(pdu=too_big)), boots, time_s)
        return sealed

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
                self._count_read(pdu.kind, len(varbinds))
            case _:
                status, index, varbinds = self._get(version, pdu, now, instances)
                self._count_read(pdu.kind, len(varbinds))
        if status and version is Version.V1:
            status = TO_V1.get(status, status)
        if status:
            if status in COUNTED:
                self.counters[COUNTED[status]] += 1
            varbinds = pdu.varbinds  # RFC 1157 section 4.1.2: as received
        self._count_response()
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

    def _read(self, found: AnswerItem, now: Instant) -> VarBind:
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
        self._cache.forget_values()
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
    """Return whether a datagram is of a version that no agent here speaks."""
    try:
        return v3.version_of(data) not in VERSIONS
    except WireError:
        return False
