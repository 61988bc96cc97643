"""Notifications in another version than that in which they came (RFC 3584 section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SNMP_TRAPS, SYS_UP_TIME, notification
from ridethrough.wire.snmp.outline import Outline
from ridethrough.wire.snmp.values import GenericTrap, Kind, Message, Pdu, Tag, TrapV1, VarBind, Version

SNMP_TRAP_ENTERPRISE: Final = Oid.parse("1.3.6.1.6.3.1.1.4.3.0")
SNMP_TRAP_ADDRESS: Final = Oid.parse("1.3.6.1.6.3.18.1.3.0")
SNMP_TRAP_COMMUNITY: Final = Oid.parse("1.3.6.1.6.3.18.1.4.0")
UNKNOWN_ADDRESS: Final = bytes(4)
# Members of enumerations under names of this module: docs/decisions/0024.
TRAP_V2: Final = int(Kind.TRAP_V2)
INFORM: Final = int(Kind.INFORM)
VERSION_2C: Final = ber.encode_integer(Version.V2C)
NO_ERROR: Final = 2 * ber.encode_integer(0)  # error-status and error-index
GENERIC: Final = range(1, 7)  # last identifiers of the traps of RFC 3418 that version 1 has numbers for


class ConversionError(ValueError):
    """A notification that the other version cannot say."""


def as_version_2(message: Message, request_id: int, *, inform: bool = False) -> Pdu:
    """RFC 3584 section 3.1. What version 1 keeps in its header comes behind the variables.

    Raises ConversionError for what is no notification.
    """
    found = notification(message)
    if found is None:
        raise ConversionError("no notification")
    name, uptime, rest = found
    varbinds = [
        VarBind(SYS_UP_TIME, Tag.TIME_TICKS, uptime or 0),
        VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, name),
        *rest,
    ]
    if isinstance(message.pdu, TrapV1):
        trap = message.pdu
        _append(varbinds, VarBind(SNMP_TRAP_ADDRESS, Tag.IP_ADDRESS, trap.agent_addr))
        _append(varbinds, VarBind(SNMP_TRAP_COMMUNITY, Tag.OCTET_STRING, message.community))
        _append(varbinds, VarBind(SNMP_TRAP_ENTERPRISE, Tag.OBJECT_IDENTIFIER, trap.enterprise))
    return Pdu(Kind.INFORM if inform else Kind.TRAP_V2, request_id, 0, 0, tuple(varbinds))


def as_version_1(message: Message) -> TrapV1:
    """RFC 3584 section 3.2.

    Raises ConversionError for what is no notification, and for a Counter64, which version 1 does not have.
    """
    if isinstance(message.pdu, TrapV1):
        return message.pdu
    found = notification(message)
    if found is None:
        raise ConversionError("no notification")
    name, uptime, rest = found
    if any(bind.tag == Tag.COUNTER64 for bind in rest):
        raise ConversionError("a Counter64 does not go into version 1")
    address, enterprise = UNKNOWN_ADDRESS, None
    varbinds: list[VarBind] = []
    for bind in rest:
        if bind.oid == SNMP_TRAP_ADDRESS and isinstance(bind.value, bytes) and len(bind.value) == len(address):
            address = bind.value
        elif bind.oid == SNMP_TRAP_ENTERPRISE and isinstance(bind.value, Oid):
            enterprise = bind.value
        elif bind.oid != SNMP_TRAP_COMMUNITY:
            varbinds.append(bind)
    if SNMP_TRAPS.covers(name) and len(name) == len(SNMP_TRAPS) + 1 and name[-1] in GENERIC:
        return TrapV1(enterprise or SNMP_TRAPS, address, name[-1] - 1, 0, uptime or 0, tuple(varbinds))
    if len(name) < 3:
        raise ConversionError("the snmpTrapOID is too short for an enterprise")
    above = Oid(name[:-2] if name[-2] == 0 else name[:-1])
    return TrapV1(above, address, GenericTrap.ENTERPRISE_SPECIFIC, name[-1], uptime or 0, tuple(varbinds))


def with_origin(pdu: Pdu, address: bytes, community: bytes) -> Pdu:
    """A version 2 notification that names whom it came from, where it does not say so already."""
    varbinds = list(pdu.varbinds)
    _append(varbinds, VarBind(SNMP_TRAP_ADDRESS, Tag.IP_ADDRESS, address))
    _append(varbinds, VarBind(SNMP_TRAP_COMMUNITY, Tag.OCTET_STRING, community))
    return Pdu(pdu.kind, pdu.request_id, pdu.error_status, pdu.error_index, tuple(varbinds))


def restamped(
    data: bytes, found: Outline, community: bytes, request_id: int, origin: Sequence[tuple[Oid, bytes]], *, inform: bool
) -> bytes:
    """The notification `data` of version 2, whose outline has time and name in front, with other fields before them.

    Its variables stay, octet for octet; behind them come those of `origin` that are not among them, each a name and the
    octets of the whole variable.
    """
    named = found.names
    listed = data[found.start : found.stop]
    for name, octets in origin:
        if name not in named:
            listed += octets
    variables = ber.encode(ber.SEQUENCE, listed)
    content = ber.encode(INFORM if inform else TRAP_V2, ber.encode_integer(request_id) + NO_ERROR + variables)
    return ber.encode(ber.SEQUENCE, VERSION_2C + ber.encode(ber.OCTET_STRING, community) + content)


def without_origin(pdu: Pdu) -> Pdu:
    """A version 2 notification that does not name whom it came from."""
    return pdu._replace(varbinds=tuple(bind for bind in pdu.varbinds if bind.oid != SNMP_TRAP_ADDRESS))


def _append(varbinds: list[VarBind], bind: VarBind) -> None:
    if bind.oid not in [other.oid for other in varbinds]:
        varbinds.append(bind)
