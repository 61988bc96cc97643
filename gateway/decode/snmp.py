"""Decodes traps and informs of versions 1, 2c and 3, and builds the acknowledgements of informs."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from ridethrough.gateway.decode.usm import RefusedMessage, UsmReceiver
from ridethrough.gateway.records import Arrival, Notification, Platform, RefusedDatagram, Undecodable, Variable
from ridethrough.mibs import MibTree, Oid
from ridethrough.mibs.tree import readable
from ridethrough.wire import ber, pet
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, TrapV1, VarBind, Version, decode, encode, notification, v3
from ridethrough.wire.snmp.convert import NOTIFICATIONS, acknowledge
from ridethrough.wire.snmp.relay import SNMP_TRAP_ADDRESS

V1: Final = Version.V1
INFORM_PDU: Final = Kind.INFORM
RESPONSE: Final = bytes((Kind.RESPONSE,))
INFORM_TAG: Final = int(Kind.INFORM)
INFORM: Final = bytes((INFORM_TAG,))
VERSION_1, VERSION_2, VERSION_3 = b"\x00", b"\x01", b"\x03"
LONGEST_HEADER: Final = 8  # of a message, up to the version's length
PLATFORM_EVENTS: Final = pet.ENTERPRISE.child(0)
PLATFORM_EVENT_ARCS: Final = len(PLATFORM_EVENTS) + 1


Content = Notification | Undecodable | RefusedDatagram


class Decoded:
    """Contents of a datagram, and the acknowledgement that an inform waits for.

    `ack` may be a report of version 3 as well, which a sender waits for likewise. `again`: another datagram with the
    same `time_free_key` would say the same.
    """

    def __init__(self, value: Content, ack: bytes | None = None, *, again: bool = False) -> None:
        self.value = value
        self.ack = ack
        self.again = again


def decode_datagram(
    arrival: Arrival,
    tree: MibTree,
    communities: frozenset[bytes],
    usm: UsmReceiver | None = None,
    *,
    relayed: bool = False,
) -> Decoded:
    """Read a datagram of a trap listener; with `usm`, of version 3, too.

    With `relayed` the address it names is its sender. Raises nothing: what cannot be read is a value, too.
    """
    user: str | None = None
    ack: bytes | None = None
    engine = ""
    try:
        if v3.is_v3(arrival.data):
            opened = (
                RefusedMessage("version_3") if usm is None else usm.open(arrival.data, arrival.at_ms, arrival.source)
            )
            if isinstance(opened, RefusedMessage):
                return Decoded(
                    RefusedDatagram(arrival.source, opened.reason, arrival.listener, opened.report is not None),
                    opened.report,
                )
            message, user, ack = Message(Version.V2C, b"", opened.pdu), readable(opened.user), opened.ack
            engine = opened.engine_id.hex()
        else:
            message = decode(arrival.data)
    except WireError as error:
        return Decoded(Undecodable(arrival.source, arrival.listener, error.offset, error.rule))
    if user is None and message.community not in communities:
        return Decoded(RefusedDatagram(arrival.source, "community", arrival.listener))
    found = notification(message)
    if found is None:
        return Decoded(RefusedDatagram(arrival.source, "no_notification", arrival.listener))
    trap_oid, uptime, varbinds = found
    agent = ""
    pdu = message.pdu
    platform = _platform(trap_oid, varbinds)
    # An event of a platform has a number and a time of its own.
    again = platform is None and user is None
    if isinstance(pdu, TrapV1):
        agent = _dotted(pdu.agent_addr)
    elif len(pdu.varbinds) != len(varbinds) + 2:
        again = False  # time or name are missing, or stand there twice
    if relayed and not isinstance(pdu, TrapV1):
        agent = next((_address(bind.value) for bind in varbinds if bind.oid == SNMP_TRAP_ADDRESS), "")
    value = Notification(
        version="v3" if user is not None else "v1" if message.version is V1 else "v2c",
        community=readable(message.community),
        inform=pdu.kind is INFORM_PDU,
        source=arrival.source,
        listener=arrival.listener,
        agent=agent,
        trap_oid=str(trap_oid),
        trap_name=_trap_name(tree, trap_oid),
        uptime_ticks=uptime,
        variables=[_variable(tree, varbind) for varbind in varbinds],
        platform=platform,
        user=user or "",
        engine=engine,
        relayed=relayed,
    )
    return Decoded(value, ack or _ack(message, arrival.data), again=again)


def wants_ack(data: bytes) -> bool:
    """True for datagrams whose sender may wait for an acknowledgement or report: informs, and all of version 3.

    Reads the header only.
    """
    # Most datagrams of a storm are traps of versions 1 and 2: nowhere in them is the tag of an inform.
    if INFORM_TAG not in data and len(data) > LONGEST_HEADER:
        at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        if at + 2 < LONGEST_HEADER and data[at] == ber.INTEGER and data[at + 1] == 1 and data[at + 2] < 2:
            return False
    found = _header(data)
    return found is not None and (found.version == VERSION_3 or data[found.pdu : found.pdu + 1] == INFORM)


def is_version_1(data: bytes) -> bool:
    """True for a datagram that may be a trap of version 1. Reads the header only."""
    found = _header(data)
    return found is not None and found.version == VERSION_1


def without_request_id(data: bytes) -> bytes:
    """The octets that are the same where a device sends one notification to two receivers.

    Of version 2c the community and what stands behind the request-id, else the whole datagram.
    """
    found = _header(data)
    if found is None or found.version != VERSION_2:
        return data
    try:
        tag, start, end = ber.read_header(data, found.pdu, len(data))
        _, after = ber.expect(data, start, end, ber.INTEGER)
    except WireError:
        return data
    return found.community + data[after:] if tag in NOTIFICATIONS else data


class MessageHeader(NamedTuple):
    """The beginning of a message: octets of its version and community, and the offset of its PDU."""

    version: bytes
    community: bytes
    pdu: int


def _header(data: bytes) -> MessageHeader | None:
    try:
        at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
        version, at = ber.expect(data, at, end, ber.INTEGER)
        number = data[version:at]
        if number == VERSION_3:
            return MessageHeader(number, b"", at)
        start, at = ber.expect(data, at, end, ber.OCTET_STRING)
    except WireError:
        return None
    return MessageHeader(number, data[start:at], at)


def _address(value: object) -> str:
    return _dotted(value) if isinstance(value, bytes) and len(value) == 4 else ""


@lru_cache(maxsize=4096)
def _dotted(address: bytes) -> str:
    return ".".join(map(str, address))


def _trap_name(tree: MibTree, trap_oid: Oid) -> str:
    item = tree.get(trap_oid)
    return item.name if item else ""


def _ack(message: Message, data: bytes) -> bytes | None:
    pdu = message.pdu
    if isinstance(pdu, TrapV1) or pdu.kind is not INFORM_PDU:
        return None
    if pdu.error_status or pdu.error_index:
        return encode(message._replace(pdu=acknowledge(pdu)))
    return build_ack(data)


def build_ack(data: bytes) -> bytes:
    """The acknowledgement of an inform of version 2c without errors: the same octets with the tag of a response
    (RFC 3416 section 4.2.7).
    """
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    for tag in (ber.INTEGER, ber.OCTET_STRING):
        _, at = ber.expect(data, at, end, tag)
    return data[:at] + RESPONSE + data[at + 1 :]


def _variable(tree: MibTree, varbind: VarBind) -> Variable:
    oid, _, value = varbind
    label, item = tree.described(oid)
    if item is None or not item.syntax:
        shown = readable(value) if isinstance(value, bytes) else value
        return Variable(str(oid), shown if isinstance(shown, int) or shown is None else str(shown))
    return Variable(label, item.show(value), item.units)


def _platform(trap_oid: Oid, varbinds: tuple[VarBind, ...]) -> Platform | None:
    """The platform event in a trap of that enterprise; None for other traps and for test traps."""
    if len(trap_oid) != PLATFORM_EVENT_ARCS or not PLATFORM_EVENTS.covers(trap_oid):
        return None
    specific = pet.decode_specific(trap_oid[-1])
    octets = next(
        (bind.value for bind in varbinds if pet.ENTERPRISE.covers(bind.oid) and isinstance(bind.value, bytes)), None
    )
    if specific is None or octets is None:
        return None
    try:
        event = pet.decode(octets)
    except WireError:
        return None
    return Platform(
        guid=str(UUID(bytes=event.guid)),
        sequence=event.sequence,
        timestamp_s=event.timestamp + pet.EPOCH_1998_S if event.timestamp else None,
        severity=event.severity,
        sensor_type=specific.sensor_type,
        event_type=specific.event_type,
        offset=specific.offset,
        deasserted=specific.deasserted,
        sensor_number=event.sensor_number,
        entity_id=event.entity_id,
        entity_instance=event.entity_instance,
        event_data=event.event_data.hex(),
    )
