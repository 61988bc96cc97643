"""Messages to octets and back.

The decoder is the gateway's hot path: the loop over variables reads short lengths in place and falls back to
`ber.read_header` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp.values import Kind, Message, Pdu, Tag, TrapV1, Value, VarBind, Version

MAX_MESSAGE: Final = 65507  # largest UDP payload over IPv4
MAX_VARBINDS: Final = 2048

# Members of enumerations under names of this module: docs/decisions/0024.
VERSION_1: Final = Version.V1
TRAP_V1: Final = Kind.TRAP_V1
IP_ADDRESS: Final = int(Tag.IP_ADDRESS)
TIME_TICKS: Final = int(Tag.TIME_TICKS)
_VERSIONS: Final = {int(version): version for version in Version}
_KINDS: Final = {int(kind): kind for kind in Kind}
# As the classes themselves do it, without a function of Python between.
_bind: Final = partial(tuple.__new__, VarBind)
_trap: Final = partial(tuple.__new__, TrapV1)
_request: Final = partial(tuple.__new__, Pdu)
_message: Final = partial(tuple.__new__, Message)


def decode(data: bytes) -> Message:
    """Read one whole datagram. Raises WireError for anything that is not one SNMPv1 or v2c message."""
    version, community, kind, start, end = unwrapped(data)
    if kind is TRAP_V1:
        return _message((version, community, _trap_v1(data, start, end)))
    return _message((version, community, _pdu(kind, data, start, end)))


def unwrapped(data: bytes) -> tuple[Version, bytes, Kind, int, int]:
    """Return what is around a PDU of version 1 or 2: version and community; its kind, its start and its end.

    Raises WireError.
    """
    end = len(data)
    if end > MAX_MESSAGE:
        raise WireError(MAX_MESSAGE, "a message has at most 65507 octets")
    at, stop = ber.expect(data, 0, end, ber.SEQUENCE)
    if stop != end:
        raise WireError(stop, "octets follow the message")
    begin = at
    number, at = ber.integer(data, begin, end)
    version = _VERSIONS.get(number)
    if version is None:
        start, _ = ber.expect(data, begin, end, ber.INTEGER)
        raise WireError(start, f"version {number} is neither SNMPv1 (0) nor SNMPv2c (1)")
    start, at = ber.expect(data, at, end, ber.OCTET_STRING)
    community = data[start:at]
    tag, start, stop = ber.read_header(data, at, end)
    if stop != end:
        raise WireError(stop, "octets follow the PDU")
    kind = _KINDS.get(tag)
    if kind is None:
        raise WireError(at, f"{tag:#04x} is no PDU")
    if (kind is TRAP_V1) != (version is VERSION_1) and kind not in _BOTH_VERSIONS:
        raise WireError(at, f"a {kind.name} PDU does not belong in an SNMP{version.name.lower()} message")
    return version, community, kind, start, end


def decode_pdu(data: bytes, at: int, end: int) -> Pdu:
    """Read the PDU of a version 2 or 3 message, which must fill `data[at:end]`. Raises WireError."""
    tag, start, stop = ber.read_header(data, at, end)
    kind = _KINDS.get(tag)
    if kind is None or kind is TRAP_V1:
        raise WireError(at, f"{tag:#04x} is no PDU of this version")
    if stop != end:
        raise WireError(stop, "octets follow the PDU")
    return _pdu(kind, data, start, end)


# RFC 1157 knows these four; RFC 3416 keeps them.
_BOTH_VERSIONS: Final = frozenset({Kind.GET, Kind.GET_NEXT, Kind.RESPONSE, Kind.SET})


def _pdu(kind: Kind, data: bytes, at: int, end: int) -> Pdu:
    request_id, at = ber.integer(data, at, end)
    error_status, at = ber.integer(data, at, end)
    error_index, at = ber.integer(data, at, end)
    return _request((kind, request_id, error_status, error_index, _varbinds(data, at, end)))


def _trap_v1(data: bytes, at: int, end: int) -> TrapV1:
    start, at = ber.expect(data, at, end, ber.OBJECT_IDENTIFIER)
    enterprise = ber.oid(data, start, at)
    start, at = ber.expect(data, at, end, IP_ADDRESS)
    if at - start != 4:
        raise WireError(start, "agent-addr has 4 octets (RFC 1157 section 4.1.6)")
    agent_addr = data[start:at]
    generic, at = ber.integer(data, at, end)
    specific, at = ber.integer(data, at, end)
    start, at = ber.expect(data, at, end, TIME_TICKS)
    ticks = ber.unsigned(data, start, at)
    return _trap((enterprise, agent_addr, generic, specific, ticks, _varbinds(data, at, end)))


def _varbinds(data: bytes, at: int, end: int) -> tuple[VarBind, ...]:
    at, stop = ber.expect(data, at, end, ber.SEQUENCE)
    if stop != end:
        raise WireError(stop, "octets follow the variable bindings")
    result: list[VarBind] = []
    append = result.append
    read_header, oid, readers, bind = ber.read_header, ber.oid, READERS, _bind
    while at < end:
        if at + 4 <= end and data[at] == 0x30 and data[at + 1] < 0x80 and data[at + 2] == 0x06:
            item_end = at + 2 + data[at + 1]
            name_start = at + 4
            name_end = name_start + data[at + 3]
            if data[at + 3] >= 0x80 or item_end > end or name_end > item_end:
                name_start, name_end, item_end = name_of(data, at, end)
        else:
            name_start, name_end, item_end = name_of(data, at, end)
        tag, start, stop = read_header(data, name_end, item_end)
        if stop != item_end:
            raise WireError(stop, "octets follow the value of a variable")
        reader = readers.get(tag)
        if reader is None:
            raise WireError(name_end, f"{tag:#04x} is no type of SNMP")
        append(bind((oid(data, name_start, name_end), tag, reader(data, start, stop))))
        if len(result) > MAX_VARBINDS:
            raise WireError(at, f"more than {MAX_VARBINDS} variables")
        at = item_end
    return tuple(result)


def name_of(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return start and end of the name of the variable at `at`, and the end of the whole. Raises WireError."""
    start, item_end = ber.expect(data, at, end, ber.SEQUENCE)
    name_start, name_end = ber.expect(data, start, item_end, ber.OBJECT_IDENTIFIER)
    return name_start, name_end, item_end


def _octets(data: bytes, start: int, stop: int) -> bytes:
    return data[start:stop]


def _address(data: bytes, start: int, stop: int) -> bytes:
    if stop - start != 4:
        raise WireError(start, "an IpAddress has 4 octets (RFC 2578 section 7.1.5)")
    return data[start:stop]


def _nothing(_data: bytes, start: int, stop: int) -> None:
    if stop != start:
        raise WireError(start, "NULL and the exceptions have no content")


def _counter64(data: bytes, start: int, stop: int) -> int:
    return ber.unsigned(data, start, stop, 64)


READERS: Final[dict[int, Callable[[bytes, int, int], Value]]] = {
    Tag.INTEGER: ber.signed,
    Tag.OCTET_STRING: _octets,
    Tag.NULL: _nothing,
    Tag.OBJECT_IDENTIFIER: ber.oid,
    Tag.IP_ADDRESS: _address,
    Tag.COUNTER32: ber.unsigned,
    Tag.GAUGE32: ber.unsigned,
    Tag.TIME_TICKS: ber.unsigned,
    Tag.OPAQUE: _octets,
    Tag.COUNTER64: _counter64,
    Tag.NO_SUCH_OBJECT: _nothing,
    Tag.NO_SUCH_INSTANCE: _nothing,
    Tag.END_OF_MIB_VIEW: _nothing,
}


def encode(message: Message) -> bytes:
    """The octets of `message`. Raises ValueError for a value its type cannot hold."""
    pdu = message.pdu
    if isinstance(pdu, TrapV1):
        body = (
            ber.encode_oid(pdu.enterprise)
            + ber.encode(Tag.IP_ADDRESS, pdu.agent_addr)
            + ber.encode_integer(pdu.generic_trap)
            + ber.encode_integer(pdu.specific_trap)
            + ber.encode_integer(pdu.time_stamp, Tag.TIME_TICKS)
        )
        content = ber.encode(pdu.kind, body + encode_varbinds(pdu.varbinds))
    else:
        content = encode_pdu(pdu)
    return ber.encode(
        ber.SEQUENCE,
        ber.encode_integer(message.version) + ber.encode(ber.OCTET_STRING, message.community) + content,
    )


def encode_pdu(pdu: Pdu) -> bytes:
    """The octets of any PDU but the version 1 trap."""
    head = (
        ber.encode_integer(pdu.request_id) + ber.encode_integer(pdu.error_status) + ber.encode_integer(pdu.error_index)
    )
    return ber.encode(pdu.kind, head + encode_varbinds(pdu.varbinds))


def encode_varbinds(varbinds: Sequence[VarBind]) -> bytes:
    """The VarBindList."""
    return ber.encode(ber.SEQUENCE, b"".join(map(encode_varbind, varbinds)))


def encode_varbind(varbind: VarBind) -> bytes:
    """One VarBind."""
    return ber.encode(ber.SEQUENCE, ber.encode_oid(varbind.oid) + encode_value(varbind.tag, varbind.value))


def encode_value(tag: int, value: Value) -> bytes:
    """Tag, length and content."""
    if isinstance(value, int):
        return ber.encode_integer(value, tag)
    if isinstance(value, Oid):
        return ber.encode_oid(value)
    return ber.encode(tag, value or b"")
