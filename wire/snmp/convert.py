"""One shape for every notification (RFC 3584 section 3.1)."""

from __future__ import annotations

from typing import Final

from ridethrough.mibs import Oid
from ridethrough.wire.snmp.values import GenericTrap, Kind, Message, Pdu, Tag, TrapV1, VarBind

SYS_UP_TIME: Final = Oid.parse("1.3.6.1.2.1.1.3.0")
SNMP_TRAP_OID: Final = Oid.parse("1.3.6.1.6.3.1.1.4.1.0")
# Members of enumerations under names of this module: docs/decisions/0024.
ENTERPRISE_SPECIFIC: Final = int(GenericTrap.ENTERPRISE_SPECIFIC)
TIME_TICKS: Final = int(Tag.TIME_TICKS)
NOTIFICATIONS: Final = frozenset({Kind.TRAP_V2, Kind.INFORM})
SNMP_TRAPS: Final = Oid.parse("1.3.6.1.6.3.1.1.5")


def trap_oid(trap: TrapV1) -> Oid:
    """SnmpTrapOID of a version 1 trap (RFC 3584 section 3.1, points 2 and 3)."""
    if trap.generic_trap == ENTERPRISE_SPECIFIC:
        return trap.enterprise.child(0, trap.specific_trap & 0xFFFFFFFF)
    return SNMP_TRAPS.child((trap.generic_trap + 1) & 0xFFFFFFFF)


def notification(message: Message) -> tuple[Oid, int | None, tuple[VarBind, ...]] | None:
    """snmpTrapOID, sysUpTime in 1/100 s (None when the sender left it out) and the remaining variables.

    None when the message is no notification, or is a version 2 one without an snmpTrapOID.
    """
    pdu = message.pdu
    if isinstance(pdu, TrapV1):
        return trap_oid(pdu), pdu.time_stamp, pdu.varbinds
    if pdu.kind not in NOTIFICATIONS:
        return None
    uptime: int | None = None
    name: Oid | None = None
    rest: list[VarBind] = []
    for varbind in pdu.varbinds:
        if varbind.oid == SNMP_TRAP_OID and isinstance(varbind.value, Oid):
            name = varbind.value
        elif varbind.oid == SYS_UP_TIME and varbind.tag == TIME_TICKS and isinstance(varbind.value, int):
            uptime = varbind.value
        else:
            rest.append(varbind)
    return None if name is None else (name, uptime, tuple(rest))


def acknowledge(pdu: Pdu) -> Pdu:
    """The Response that confirms an InformRequest (RFC 3416 section 4.2.7)."""
    return pdu._replace(kind=Kind.RESPONSE, error_status=0, error_index=0)
