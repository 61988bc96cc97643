"""Converts a received notification to the form in which a forward sends it. Pure: no socket, no clock."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

from ridethrough.gateway.records import Arrival
from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, decode, encode, v3
from ridethrough.wire.snmp.codec import MAX_MESSAGE, encode_varbind
from ridethrough.wire.snmp.convert import NOTIFICATIONS
from ridethrough.wire.snmp.outline import Outline, outline
from ridethrough.wire.snmp.relay import (
    SNMP_TRAP_ADDRESS,
    SNMP_TRAP_COMMUNITY,
    UNKNOWN_ADDRESS,
    ConversionError,
    as_version_1,
    as_version_2,
    restamped,
    with_origin,
    without_origin,
)

DEFAULT_COMMUNITY: Final = b"public"  # for what came by version 3, which has none
LARGEST_ID: Final = 0x7FFFFFFF


class SnmpForm(StrEnum):
    """The version of SNMP in which a forward sends."""

    SAME = "same"
    V1 = "v1"
    V2C = "v2c"
    V3 = "v3"


# A look at a member of an enumeration costs as much as reading a value.
SAME: Final = SnmpForm.SAME
AS_V2C: Final = SnmpForm.V2C
V2C: Final = Version.V2C
INFORM: Final = Kind.INFORM


class ForwardFormat(NamedTuple):
    """The format of one forward. `community` of None keeps the one that came in.

    With `keep_source` the receiver sees the device: `identity`, an IPv4 address, where one is given.
    """

    form: SnmpForm = SnmpForm.SAME
    inform: bool = False
    community: bytes | None = None
    keep_source: bool = True
    identity: bytes | None = None


class Converted:
    """A datagram to send. `request_id` is that of an inform, whose answer is waited for.

    `pdu` is there for version 3, which seals it anew at each attempt; `source` is where it came from.
    """

    def __init__(self, data: bytes, request_id: int | None = None, pdu: Pdu | None = None, source: str = "") -> None:
        self.data = data
        self.request_id = request_id
        self.pdu = pdu
        self.source = source


class Skipped:
    """A record for which nothing is sent, and the reason. `lost` where the destination should have had it."""

    def __init__(self, reason: str, *, lost: bool = False) -> None:
        self.reason = reason
        self.lost = lost


class SenderPolicy(NamedTuple):
    """Senders that the gateway accepts. `read` opens a message of version 3 of a known user; None for any other."""

    communities: Callable[[], frozenset[bytes]]
    read: Callable[[bytes, str], Pdu | None]


def convert(arrival: Arrival, position: int, target: ForwardFormat, policy: SenderPolicy) -> Converted | Skipped:
    """The datagram to send for the journal's record at `position`, which gives informs their request identifiers.

    With `SnmpForm.SAME` the octets stay as they came. Raises nothing.
    """
    data = arrival.data
    sealed = False
    try:
        sealed = v3.is_v3(data)
        # Other forms need the values of the variables.
        undecoded = target.form is SAME or (target.form is AS_V2C and target.identity is None)
        found = outline(data) if undecoded and not sealed else None
        if found is not None and (ready := _without_decoding(arrival, found, position, target, policy)) is not None:
            return ready
        opened = policy.read(data, arrival.source) if sealed else None
        message = Message(V2C, b"", opened) if opened is not None else decode(data)
    except WireError:
        return Skipped("user" if sealed else "undecodable")
    if not sealed and message.community not in policy.communities():
        return Skipped("community")
    pdu = message.pdu
    if not isinstance(pdu, TrapV1) and pdu.kind not in NOTIFICATIONS:
        return Skipped("no_notification")
    if target.form is SAME:
        if isinstance(pdu, Pdu) and pdu.kind is INFORM:
            return Skipped("an inform of version 3 is for us alone; use `as: v2c`", lost=True)
        return Converted(data, source=arrival.source)
    request_id = _request_id(position)
    try:
        converted = _converted(message, arrival, target, request_id)
    except ConversionError as error:
        return Skipped(str(error), lost=True)
    awaited = request_id if target.inform else None
    if target.form is SnmpForm.V3 and isinstance(converted, Pdu):
        return Converted(b"", awaited, converted, arrival.source)
    version = Version.V1 if target.form is SnmpForm.V1 else V2C
    return _within_size(
        encode(Message(version, _community(message.community, target), converted)), awaited, arrival.source
    )


def _without_decoding(
    arrival: Arrival, found: Outline, position: int, target: ForwardFormat, policy: SenderPolicy
) -> Converted | Skipped | None:
    """The same for a message of version 2 that stays one; None where its time or name is not where it should be."""
    if found.community not in policy.communities():
        return Skipped("community")
    if found.kind not in NOTIFICATIONS:
        return Skipped("no_notification")
    if target.form is SAME:
        return Converted(arrival.data, found.request_id if found.kind is INFORM else None, source=arrival.source)
    if not found.headed:
        return None
    request_id = _request_id(position)
    origin = _origin(arrival.source, found.community) if target.keep_source else ()
    community = _community(found.community, target)
    data = restamped(arrival.data, found, community, request_id, origin, inform=target.inform)
    return _within_size(data, request_id if target.inform else None, arrival.source)


def _request_id(position: int) -> int:
    return position % LARGEST_ID + 1


def _community(received: bytes, target: ForwardFormat) -> bytes:
    return (received or DEFAULT_COMMUNITY) if target.community is None else target.community


def _within_size(data: bytes, request_id: int | None, source: str) -> Converted | Skipped:
    if len(data) > MAX_MESSAGE:
        return Skipped("larger than a message may be", lost=True)
    return Converted(data, request_id, None, source)


def _converted(message: Message, arrival: Arrival, target: ForwardFormat, request_id: int) -> Pdu | TrapV1:
    address = _octets(arrival.source)
    if target.form is SnmpForm.V1:
        trap = as_version_1(message)
        if target.identity is not None:
            return trap._replace(agent_addr=target.identity)
        if target.keep_source and trap.agent_addr == UNKNOWN_ADDRESS:
            trap = trap._replace(agent_addr=address)
        return trap
    pdu = as_version_2(message, request_id, inform=target.inform)
    if target.identity is not None:
        pdu = without_origin(pdu)
        address = target.identity
    return with_origin(pdu, address, message.community or DEFAULT_COMMUNITY) if target.keep_source else pdu


@lru_cache(maxsize=4096)
def _origin(source: str, community: bytes) -> tuple[tuple[Oid, bytes], ...]:
    """The variables that name the sender of a notification, encoded (RFC 3584 section 3.1)."""
    binds = (
        VarBind(SNMP_TRAP_ADDRESS, Tag.IP_ADDRESS, _octets(source)),
        VarBind(SNMP_TRAP_COMMUNITY, Tag.OCTET_STRING, community or DEFAULT_COMMUNITY),
    )
    return tuple([(bind.oid, encode_varbind(bind)) for bind in binds])


@lru_cache(maxsize=4096)
def _octets(source: str) -> bytes:
    """The four octets of an IPv4 address; those of no address for others (RFC 3584 section 3.1)."""
    address = ip_address(source.partition("%")[0])
    mapped = address if address.version == 4 else address.ipv4_mapped
    return UNKNOWN_ADDRESS if mapped is None else mapped.packed
