"""The subset of BER that SNMP uses (RFC 3417 section 8), bounded.

Lengths may be longer than needed, because net-snmp writes them so; indefinite lengths and high tag numbers
may not appear. Every reader takes the end of the enclosing value and never looks past it.
"""

from __future__ import annotations

from typing import Final

from ridethrough.mibs import Oid
from ridethrough.mibs.oid import MAX_ARC, MAX_ARCS
from ridethrough.wire.errors import WireError

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30

FROM_BYTES: Final = int.from_bytes  # a look at a class costs as much as the work
ONE: Final = tuple([bytes((octet,)) for octet in range(256)])  # octets, made once
_CACHE_LIMIT: Final = 8192
_decoded_oids: Final[dict[bytes, Oid]] = {}
_encoded_oids: Final[dict[Oid, bytes]] = {}


def read_header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, first content octet and the octet after the content of the value at `at`."""
    if at + 2 > end:
        raise WireError(at, "a value needs a tag and a length")
    tag = data[at]
    if tag & 0x1F == 0x1F:
        raise WireError(at, "tag numbers above 30 are not used in SNMP")
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if count == 0:
            raise WireError(at + 1, "indefinite lengths are not allowed (RFC 3417 section 8)")
        if count > 4 or start + count > end:
            raise WireError(at + 1, "the length field is longer than the data or than 4 octets")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    stop = start + length
    if stop > end:
        raise WireError(at + 1, "the value is longer than what encloses it")
    return tag, start, stop


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Start and stop of the content at `at`, which must carry `tag`."""
    if at + 2 <= end and data[at] == tag and (length := data[at + 1]) < 0x80 and at + 2 + length <= end:
        return at + 2, at + 2 + length  # nearly always
    found, start, stop = read_header(data, at, end)
    if found != tag:
        raise WireError(at, f"tag {found:#04x} where {tag:#04x} belongs")
    return start, stop


def signed(data: bytes, start: int, stop: int, bits: int = 32) -> int:
    """The two's-complement integer in `data[start:stop]`, which must fit in `bits`."""
    if not 1 <= stop - start <= 9:
        raise WireError(start, "an integer has 1 to 9 octets")
    value = FROM_BYTES(data[start:stop], "big", signed=True)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise WireError(start, f"the integer does not fit in {bits} bits")
    return value


def integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The INTEGER of 32 bits at `at`, and the octet behind it."""
    if at + 3 <= end and data[at] == INTEGER and data[at + 1] == 1:  # most are small
        octet = data[at + 2]
        return octet - (octet >> 7 << 8), at + 3
    start, stop = expect(data, at, end, INTEGER)
    return signed(data, start, stop), stop


def unsigned(data: bytes, start: int, stop: int, bits: int = 32) -> int:
    """A counter, gauge or ticks. A missing leading zero octet is forgiven: agents of the 1990s leave it out."""
    if not 1 <= stop - start <= 9:
        raise WireError(start, "an integer has 1 to 9 octets")
    value = FROM_BYTES(data[start:stop], "big")
    if value >> bits:
        raise WireError(start, f"the number does not fit in {bits} bits without a sign")
    return value


def oid(data: bytes, start: int, stop: int) -> Oid:
    """The object identifier in `data[start:stop]` (X.690 section 8.19)."""
    content = data[start:stop]
    known = _decoded_oids.get(content)
    if known is not None:
        return known
    if not content:
        raise WireError(start, "an object identifier has at least one octet")
    if content[-1] & 0x80:
        raise WireError(stop - 1, "the last arc of the object identifier is cut off")
    arcs: list[int] = []
    value = 0
    for index, octet in enumerate(content):
        value = value << 7 | octet & 0x7F
        if value > MAX_ARC + 80:
            raise WireError(start + index, "an arc exceeds 32 bits (RFC 2578 section 3.5)")
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    result = Oid((first, arcs[0] - 40 * first, *arcs[1:]))
    if len(result) > MAX_ARCS or max(result) > MAX_ARC:
        raise WireError(start, "an object identifier has at most 128 arcs of 32 bits (RFC 2578 section 3.5)")
    if len(_decoded_oids) >= _CACHE_LIMIT:
        _decoded_oids.clear()
    _decoded_oids[content] = result
    return result


def encode(tag: int, content: bytes) -> bytes:
    """One value with the shortest length field."""
    length = len(content)
    if length < 0x80:
        return ONE[tag] + ONE[length] + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def encode_integer(value: int, tag: int = INTEGER) -> bytes:
    """Two's complement in the fewest octets; right for unsigned types too, which then get a zero octet."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return ONE[tag] + ONE[size] + value.to_bytes(size, "big", signed=True)


def encode_oid(value: Oid) -> bytes:
    """Tag, length and content. Raises ValueError for identifiers with fewer than two arcs."""
    known = _encoded_oids.get(value)
    if known is not None:
        return known
    if len(value) < 2 or value[0] > 2 or (value[0] < 2 and value[1] > 39):
        raise ValueError(f"{value} cannot be encoded: see X.690 section 8.19.4")
    content = bytearray()
    for arc in (value[0] * 40 + value[1], *value[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content.extend(reversed(groups))
    result = encode(OBJECT_IDENTIFIER, bytes(content))
    if len(_encoded_oids) >= _CACHE_LIMIT:
        _encoded_oids.clear()
    _encoded_oids[value] = result
    return result
