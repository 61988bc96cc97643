"""SNMPv3 messages (RFC 3412 section 6, RFC 3414 section 2.4)."""

from __future__ import annotations

from typing import NamedTuple

from wire import ber
from wire.errors import WireError
from wire.snmp.codec import MAX_MESSAGE, decode_pdu, encode_pdu
from wire.snmp.values import Pdu

VERSION = 3
USM = 3
VERSION_3 = ber.encode_integer(VERSION)
USM_MODEL = ber.encode_integer(USM)


class Flags:
    """msgFlags. Plain numbers, because an agent tests them a dozen times for each message."""

    NONE = 0
    AUTH = 1
    PRIV = 2
    REPORTABLE = 4


class Header(NamedTuple):
    """All of a message but its payload. `auth_params` is zero while the message is being authenticated."""

    message_id: int
    max_size: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    auth_params: bytes = b""
    priv_params: bytes = b""


class V3Message(NamedTuple):
    """`payload` is an encoded scoped PDU, or its cipher text; `auth_offset` where the code stands in the datagram."""

    header: Header
    payload: bytes
    auth_offset: int = 0


class Scoped(NamedTuple):
    """A PDU with its context."""

    engine_id: bytes
    name: bytes
    pdu: Pdu


def is_v3(data: bytes) -> bool:
    """Whether the datagram says that it is version 3. Raises WireError."""
    return version_of(data) == VERSION


def version_of(data: bytes) -> int:
    """The version field of any SNMP message. Raises WireError."""
    at, _ = ber.expect(data, 0, len(data), ber.SEQUENCE)
    start, stop = ber.expect(data, at, len(data), ber.INTEGER)
    return ber.signed(data, start, stop)


def decode(data: bytes) -> V3Message:
    """Read one whole datagram. Raises WireError; a security model other than USM is such a refusal too."""
    end = len(data)
    if end > MAX_MESSAGE:
        raise WireError(MAX_MESSAGE, "a message has at most 65507 octets")
    at, stop = ber.expect(data, 0, end, ber.SEQUENCE)
    if stop != end:
        raise WireError(stop, "octets follow the message")
    version, at = _integer(data, at, end)
    if version != VERSION:
        raise WireError(at - 1, "the version is not 3")
    inside, at = ber.expect(data, at, end, ber.SEQUENCE)
    message_id, inside = _integer(data, inside, at)
    max_size, inside = _integer(data, inside, at)
    flags_at = inside
    flags, inside, _ = _octets(data, inside, at)
    model, inside = _integer(data, inside, at)
    if len(flags) != 1 or (flags[0] & Flags.PRIV and not flags[0] & Flags.AUTH):
        raise WireError(flags_at, "msgFlags is one octet, and there is no privacy without authentication")
    if model != USM:
        raise WireError(inside - 1, "the security model is not USM (3)")
    start, at = ber.expect(data, at, end, ber.OCTET_STRING)
    header, auth_offset = _security(data, start, at)
    header = header._replace(message_id=message_id, max_size=max_size, flags=flags[0] & 7)
    if header.flags & Flags.PRIV:
        start, stop = ber.expect(data, at, end, ber.OCTET_STRING)
        payload = data[start:stop]
    else:
        _, stop = ber.expect(data, at, end, ber.SEQUENCE)
        payload = data[at:stop]
    if stop != end:
        raise WireError(stop, "octets follow the scoped PDU")
    return V3Message(header, payload, auth_offset)


def _security(data: bytes, at: int, end: int) -> tuple[Header, int]:
    at, stop = ber.expect(data, at, end, ber.SEQUENCE)
    if stop != end:
        raise WireError(stop, "octets follow the security parameters")
    engine_id, at, _ = _octets(data, at, end)
    boots, at = _integer(data, at, end)
    time_s, at = _integer(data, at, end)
    user, at, _ = _octets(data, at, end)
    auth_params, at, auth_offset = _octets(data, at, end)
    priv_params, at, _ = _octets(data, at, end)
    if at != end or len(engine_id) > 32 or len(user) > 32 or boots < 0 or time_s < 0:
        raise WireError(at, "the security parameters break RFC 3414 section 2.4")
    return Header(0, 0, Flags.NONE, engine_id, boots, time_s, user, auth_params, priv_params), auth_offset


def _integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    start, stop = ber.expect(data, at, end, ber.INTEGER)
    return ber.signed(data, start, stop), stop


def _octets(data: bytes, at: int, end: int) -> tuple[bytes, int, int]:
    start, stop = ber.expect(data, at, end, ber.OCTET_STRING)
    return data[start:stop], stop, start


def decode_scoped(data: bytes) -> Scoped:
    """Read a scoped PDU; what follows it is padding of the cipher. Raises WireError."""
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    engine_id, at, _ = _octets(data, at, end)
    name, at, _ = _octets(data, at, end)
    return Scoped(engine_id, name, decode_pdu(data, at, end))


def encode_scoped(scoped: Scoped) -> bytes:
    """The octets of a scoped PDU."""
    contexts = ber.encode(ber.OCTET_STRING, scoped.engine_id) + ber.encode(ber.OCTET_STRING, scoped.name)
    return ber.encode(ber.SEQUENCE, contexts + encode_pdu(scoped.pdu))


def encode(message: V3Message) -> bytes:
    """The datagram."""
    return encode_placed(message)[0]


def encode_placed(message: V3Message) -> tuple[bytes, int]:
    """The datagram, and where the content of msgAuthenticationParameters begins in it."""
    header = message.header
    data = (
        ber.encode_integer(header.message_id)
        + ber.encode_integer(header.max_size)
        + ber.encode(ber.OCTET_STRING, bytes((header.flags,)))
        + USM_MODEL
    )
    # From the end, so that each length is known: what follows the code, the code, what stands before it.
    privacy = ber.encode(ber.OCTET_STRING, header.priv_params)
    code = ber.encode(ber.OCTET_STRING, header.auth_params)
    security = (
        ber.encode(ber.OCTET_STRING, header.engine_id)
        + ber.encode_integer(header.boots)
        + ber.encode_integer(header.time_s)
        + ber.encode(ber.OCTET_STRING, header.user)
        + code
        + privacy
    )
    payload = ber.encode(ber.OCTET_STRING, message.payload) if header.flags & Flags.PRIV else message.payload
    sealed = ber.encode(ber.OCTET_STRING, ber.encode(ber.SEQUENCE, security))
    whole = ber.encode(ber.SEQUENCE, VERSION_3 + ber.encode(ber.SEQUENCE, data) + sealed + payload)
    return whole, len(whole) - len(payload) - len(privacy) - len(header.auth_params)
