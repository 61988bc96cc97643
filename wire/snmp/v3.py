"""SNMPv3 messages (RFC 3412 section 6, RFC 3414 section 2.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from ridethrough.wire import ber
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp.codec import MAX_MESSAGE, decode_pdu, encode_pdu
from ridethrough.wire.snmp.values import Pdu

VERSION: Final = 3
USM = 3
VERSION_3: Final = ber.encode_integer(VERSION)
EARLIER: Final = frozenset({ber.encode_integer(0), ber.encode_integer(1)})  # the fields of versions 1 and 2c
USM_MODEL = ber.encode_integer(USM)


class Flags:
    """msgFlags. Plain numbers, because an agent tests them a dozen times for each message."""

    NONE: Final = 0
    AUTH: Final = 1
    PRIV: Final = 2
    REPORTABLE: Final = 4


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


class Terms(NamedTuple):
    """The flags and the largest message of a sender, as in `Header`."""

    max_size: int
    flags: int


class Origin(NamedTuple):
    """The engine that is asked, or tells, its time, and the user, as in `Header`."""

    engine_id: bytes
    boots: int
    time_s: int
    user: bytes


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
    """Return whether a datagram says that it is version 3. Raises WireError."""
    at = 2 if data[1:2] < b"\x80" else 2 + (data[1] & 0x7F)
    field = data[at : at + len(VERSION_3)]
    return field == VERSION_3 or (field not in EARLIER and version_of(data) == VERSION)


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
    if data[at : at + 3] == VERSION_3:
        at += 3
    else:
        version, at = ber.integer(data, at, end)
        if version != VERSION:
            raise WireError(at - 1, "the version is not 3")
    inside, at = ber.expect(data, at, end, ber.SEQUENCE)
    message_id, inside = ber.integer(data, inside, at)
    terms = _terms.get(data[inside:at]) or _read_terms(data, inside, at)
    start, at = ber.expect(data, at, end, ber.OCTET_STRING)
    start, stop = ber.expect(data, start, at, ber.SEQUENCE)
    if stop != at:
        raise WireError(stop, "octets follow the security parameters")
    place = _skip(data, start, stop, 4)
    origin = _origins.get(data[start:place])
    if origin is None:
        origin, place = _read_origin(data, start, stop)
    auth_params, place, auth_offset = _octets(data, place, stop)
    priv_params, place, _ = _octets(data, place, stop)
    if place != stop:
        raise WireError(place, "the security parameters break RFC 3414 section 2.4")
    if terms.flags & Flags.PRIV:
        start, stop = ber.expect(data, at, end, ber.OCTET_STRING)
        payload = data[start:stop]
    else:
        _, stop = ber.expect(data, at, end, ber.SEQUENCE)
        payload = data[at:stop]
    if stop != end:
        raise WireError(stop, "octets follow the scoped PDU")
    max_size, flags = terms
    engine_id, boots, time_s, user = origin
    header = Header(message_id, max_size, flags, engine_id, boots, time_s, user, auth_params, priv_params)
    return V3Message(header, payload, auth_offset)


# Parts that a peer sends again and again, read once: by their octets, so that nothing can be out of date.
_MAX_KNOWN = 1024
_terms: dict[bytes, Terms] = {}
_origins: dict[bytes, Origin] = {}


def _read_terms(data: bytes, at: int, end: int) -> Terms:
    """Return the fields behind the identifier in msgGlobalData."""
    start = at
    max_size, at = ber.integer(data, at, end)
    flags_at = at
    flags, at, _ = _octets(data, at, end)
    model, at = ber.integer(data, at, end)
    if len(flags) != 1 or (flags[0] & Flags.PRIV and not flags[0] & Flags.AUTH):
        raise WireError(flags_at, "msgFlags is one octet, and there is no privacy without authentication")
    if model != USM:
        raise WireError(at - 1, "the security model is not USM (3)")
    if len(_terms) >= _MAX_KNOWN:
        _terms.clear()
    terms = _terms[data[start:end]] = Terms(max_size, flags[0] & 7)
    return terms


def _read_origin(data: bytes, at: int, end: int) -> tuple[Origin, int]:
    """Return the fields before the code in the security parameters, and the place where they end."""
    start = at
    engine_id, at, _ = _octets(data, at, end)
    boots, at = ber.integer(data, at, end)
    time_s, at = ber.integer(data, at, end)
    user, at, _ = _octets(data, at, end)
    if len(engine_id) > 32 or len(user) > 32 or boots < 0 or time_s < 0:
        raise WireError(at, "the security parameters break RFC 3414 section 2.4")
    if len(_origins) >= _MAX_KNOWN:
        _origins.clear()
    origin = _origins[data[start:at]] = Origin(engine_id, boots, time_s, user)
    return origin, at


def _skip(data: bytes, at: int, end: int, values: int) -> int:
    """The octet behind some short values; anywhere when they are not what they should be."""
    for _ in range(values):
        if at + 1 >= end:
            break
        at += 2 + data[at + 1]
    return at


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
    header = message.header
    return encode_placed(header, message.payload, header.auth_params, header.priv_params)[0]


def encode_placed(header: Header, payload: bytes, auth_params: bytes, priv_params: bytes) -> tuple[bytes, int]:
    """The datagram, and where the content of msgAuthenticationParameters begins in it.

    `auth_params` and `priv_params` stand for those of the header.
    """
    data = ber.encode_integer(header.message_id) + _terms_octets(header.max_size, header.flags)
    # From the end, so that each length is known: what follows the code, the code, what stands before it.
    privacy = ber.encode(ber.OCTET_STRING, priv_params)
    code = ber.encode(ber.OCTET_STRING, auth_params)
    security = _origin_octets(header.engine_id, header.boots, header.time_s, header.user) + code + privacy
    if header.flags & Flags.PRIV:
        payload = ber.encode(ber.OCTET_STRING, payload)
    sealed = ber.encode(ber.OCTET_STRING, ber.encode(ber.SEQUENCE, security))
    whole = ber.encode(ber.SEQUENCE, VERSION_3 + ber.encode(ber.SEQUENCE, data) + sealed + payload)
    return whole, len(whole) - len(payload) - len(privacy) - len(auth_params)


@lru_cache(maxsize=_MAX_KNOWN)
def _terms_octets(max_size: int, flags: int) -> bytes:
    return ber.encode_integer(max_size) + ber.encode(ber.OCTET_STRING, bytes((flags,))) + USM_MODEL


@lru_cache(maxsize=_MAX_KNOWN)
def _origin_octets(engine_id: bytes, boots: int, time_s: int, user: bytes) -> bytes:
    return (
        ber.encode(ber.OCTET_STRING, engine_id)
        + ber.encode_integer(boots)
        + ber.encode_integer(time_s)
        + ber.encode(ber.OCTET_STRING, user)
    )
