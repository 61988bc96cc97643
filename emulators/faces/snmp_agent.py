"""An SNMP agent of versions 1, 2c and 3 over the rows of a device (RFC 1157, RFC 3416, RFC 3584, RFC 3412)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from emulators.bindings.snmp import Access, Instance, SnmpView
from emulators.faces.usm_engine import UsmEngine
from emulators.kernel.instant import Instant
from mibs import Oid
from wire.errors import WireError
from wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, decode, encode, v3
from wire.snmp.codec import encode_varbind

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
REQUESTS = (Kind.GET, Kind.GET_NEXT, Kind.GET_BULK, Kind.SET)
V3_ENVELOPE = 250  # headers, names, codes and padding at their longest
MIN_MESSAGE = 484  # every engine takes this much (RFC 3412 section 6.2)
ENVELOPE = 48  # octets around the community and the variable bindings, at most
EXCEPTIONS = (Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB_VIEW)


class SnmpAgent:
    """Requests in, answers out. `counters` carry the names of the snmp group (RFC 3418)."""

    def __init__(self, view: SnmpView) -> None:
        self._view = view
        self._engine = UsmEngine(view.engine_id, lambda: view.users)
        self.counters: Counter[str] = Counter()
        self.changed = False  # whether the last request may have changed the device

    def receive(self, data: bytes, manager: str, now: Instant) -> bytes | None:
        """The answer to a datagram, or None where an agent stays silent. Raises nothing."""
        self.changed = False
        if not self._view.answering(now):
            return None
        self.counters["snmpInPkts"] += 1
        try:
            if self._view.users and v3.is_v3(data):
                return self._receive_v3(data, now)
            message = decode(data)
        except WireError:
            self.counters["snmpInASNParseErrs"] += 1
            return None
        pdu = message.pdu
        if isinstance(pdu, TrapV1) or pdu.kind not in REQUESTS:
            self.counters["snmpUnknownPDUHandlers"] += 1
            return None
        access = self._view.access(message.community, manager)
        if access is Access.NONE:
            self.counters["snmpInBadCommunityNames"] += 1
            self._view.authentication_failed(now)
            self.changed = True
            return None
        return self._answer(message, pdu, access, now)

    def _receive_v3(self, data: bytes, now: Instant) -> bytes | None:
        """RFC 3412 section 7.2. Raises WireError."""
        boots, time_s = self._view.boots, self._view.engine_time_s(now)
        request = self._engine.open(data, boots, time_s)
        if request is None or isinstance(request, bytes):
            return request
        pdu = request.scoped.pdu
        if pdu.kind not in REQUESTS:
            self.counters["snmpUnknownPDUHandlers"] += 1
            return None
        if request.scoped.name:
            self.counters["snmpUnknownContexts"] += 1
            return None
        user, flags = request.user, request.header.flags
        if (user.auth and not flags & v3.Flags.AUTH) or (user.priv and not flags & v3.Flags.PRIV):
            # RFC 3415: no view for a user below the level of its access row.
            answer = Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.AUTHORIZATION_ERROR, 0, pdu.varbinds)
        else:
            answer = self._respond(Version.V2C, pdu, user.access, now, V3_ENVELOPE)
        sealed = self._engine.seal(request, answer, boots, time_s)
        if len(sealed) > min(self._view.max_message, max(MIN_MESSAGE, request.header.max_size)):
            self.counters["snmpOutTooBigs"] += 1
            too_big = Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.TOO_BIG, 0, ())
            sealed = self._engine.seal(request, too_big, boots, time_s)
        return sealed

    def _answer(self, message: Message, pdu: Pdu, access: Access, now: Instant) -> bytes:
        version = message.version
        response = self._respond(version, pdu, access, now, ENVELOPE + len(message.community))
        answer = encode(message._replace(pdu=response))
        if len(answer) > self._view.max_message:
            self.counters["snmpOutTooBigs"] += 1
            kept = pdu.varbinds if version is Version.V1 else ()
            answer = encode(message._replace(pdu=Pdu(Kind.RESPONSE, pdu.request_id, ErrorStatus.TOO_BIG, 0, kept)))
        return answer

    def _respond(self, version: Version, pdu: Pdu, access: Access, now: Instant, envelope: int) -> Pdu:
        """The Response to a request; `envelope` are the octets round the variables of the answer, at most."""
        match pdu.kind:
            case Kind.SET:
                status, index, varbinds = self._set(pdu.varbinds, access, now)
            case Kind.GET_BULK:
                status, index, varbinds = ErrorStatus.NO_ERROR, 0, self._get_bulk(pdu, now, envelope)
            case _:
                status, index, varbinds = self._get(version, pdu, now)
        if status and version is Version.V1:
            status = TO_V1.get(status, status)
        if status:
            varbinds = pdu.varbinds  # RFC 1157 section 4.1.2: as received
        return Pdu(Kind.RESPONSE, pdu.request_id, status, index, tuple(varbinds))

    def _get(self, version: Version, pdu: Pdu, now: Instant) -> tuple[ErrorStatus, int, Sequence[VarBind]]:
        result: list[VarBind] = []
        for index, asked in enumerate(pdu.varbinds, start=1):
            found = self._next(asked.oid, now) if pdu.kind is Kind.GET_NEXT else self._exact(asked.oid, now)
            if version is Version.V1 and found.tag in EXCEPTIONS:
                return ErrorStatus.NO_SUCH_NAME, index, ()
            result.append(found)
        return ErrorStatus.NO_ERROR, 0, result

    def _exact(self, oid: Oid, now: Instant) -> VarBind:
        row = self._view.instances.get(oid)
        # Cards answer noSuchObject, not noSuchInstance, for whatever is absent.
        return VarBind(oid, Tag.NO_SUCH_OBJECT, None) if row is None else _read(row, now)

    def _next(self, oid: Oid, now: Instant) -> VarBind:
        row = self._view.instances.after(oid)
        return VarBind(oid, Tag.END_OF_MIB_VIEW, None) if row is None else _read(row, now)

    def _get_bulk(self, pdu: Pdu, now: Instant, envelope: int) -> list[VarBind]:
        """RFC 3416 section 4.2.3; cut to the message size rather than refused."""
        room = self._view.max_message - envelope
        fixed = max(0, min(pdu.error_status, len(pdu.varbinds)))
        result: list[VarBind] = []

        def fits(varbind: VarBind) -> bool:
            nonlocal room
            room -= len(encode_varbind(varbind))
            if room >= 0:
                result.append(varbind)
            return room >= 0

        for asked in pdu.varbinds[:fixed]:
            if not fits(self._next(asked.oid, now)):
                return result
        names = [asked.oid for asked in pdu.varbinds[fixed:]]
        for _ in range(max(0, pdu.error_index) if names else 0):
            row = [self._next(name, now) for name in names]
            if not all(map(fits, row)) or all(found.tag == Tag.END_OF_MIB_VIEW for found in row):
                break
            names = [found.oid for found in row]
        return result

    def _set(
        self, varbinds: Sequence[VarBind], access: Access, now: Instant
    ) -> tuple[ErrorStatus, int, Sequence[VarBind]]:
        """RFC 3416 section 4.2.5: everything is checked before anything changes."""
        rows: list[tuple[Instance, VarBind]] = []
        for index, wanted in enumerate(varbinds, start=1):
            row = self._view.instances.get(wanted.oid)
            status = _judge(row, wanted, access, now)
            if status or row is None:
                return status, index, ()
            rows.append((row, wanted))
        for row, wanted in rows:
            if row.apply is not None:
                row.apply(wanted.value, now)
        self.changed = True
        return ErrorStatus.NO_ERROR, 0, varbinds


def _read(row: Instance, now: Instant) -> VarBind:
    return VarBind(row.oid, row.tag, row.get(now))


def _judge(row: Instance | None, wanted: VarBind, access: Access, now: Instant) -> ErrorStatus:
    if access is not Access.WRITE:
        return ErrorStatus.NO_ACCESS
    if row is None or row.check is None:
        return ErrorStatus.NOT_WRITABLE
    if wanted.tag != row.tag:
        return ErrorStatus.WRONG_TYPE
    return row.check(wanted.value, now)
