"""Our BER against pyasn1's, which nobody here wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ

from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.errors import WireError

oids = st.builds(
    lambda first, second, rest: Oid((first, second, *rest)),
    st.integers(0, 2),
    st.integers(0, 39),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=20),
)


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_as_pyasn1_writes_and_reads_them(value: int) -> None:
    octets, witness = ber.encode_integer(value), encoder.encode(univ.Integer(value))
    if value not in (-128, -32768, -8388608, -2147483648):
        assert octets == witness
    # For those four pyasn1 writes an octet more than X.690 section 8.3.2 allows; it reads the short form.
    assert len(octets) == 2 + next(size for size in (1, 2, 3, 4) if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1)
    assert int(decoder.decode(octets)[0]) == value
    for form in (octets, witness):
        assert ber.signed(form, 2, len(form)) == value


@given(oids)
def test_identifiers_as_pyasn1_writes_them(value: Oid) -> None:
    octets = ber.encode_oid(value)
    assert octets == encoder.encode(univ.ObjectIdentifier(tuple(value)))
    _, start, stop = ber.read_header(octets, 0, len(octets))
    assert ber.oid(octets, start, stop) == value


@given(st.binary(max_size=300))
def test_octet_strings_as_pyasn1_reads_them(value: bytes) -> None:
    octets = ber.encode(ber.OCTET_STRING, value)
    assert bytes(decoder.decode(octets)[0]) == value


@pytest.mark.parametrize(
    ("octets", "length"),
    [("04 02 61 62", 2), ("04 81 02 61 62", 2), ("04 82 00 02 61 62", 2), ("04 84 00 00 00 02 61 62", 2)],
)
def test_lengths_may_be_longer_than_needed(octets: str, length: int) -> None:
    data = bytes.fromhex(octets)
    _, start, stop = ber.read_header(data, 0, len(data))
    assert stop - start == length
    assert data[start:stop] == b"ab"


@pytest.mark.parametrize(
    ("octets", "offset", "rule"),
    [
        ("", 0, "tag and a length"),
        ("04", 0, "tag and a length"),
        ("04 80 00 00", 1, "indefinite"),
        ("04 85 00 00 00 00 01 61", 1, "length field"),
        ("04 82 00", 1, "length field"),
        ("04 03 61 62", 1, "longer than what encloses"),
        ("1f 01 00", 0, "tag numbers"),
    ],
)
def test_broken_headers_name_octet_and_rule(octets: str, offset: int, rule: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(WireError, match=rule) as caught:
        ber.read_header(data, 0, len(data))
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("octets", "rule"),
    [("", "at least one"), ("2b 86", "cut off"), ("2b 90 80 80 80 80 00", "32 bits"), ("2b " + "01 " * 130, "128")],
)
def test_broken_identifiers(octets: str, rule: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(WireError, match=rule):
        ber.oid(data, 0, len(data))


def test_the_top_arc_may_exceed_39_only_below_two() -> None:
    assert ber.encode_oid(Oid((2, 999, 3))).hex() == "0603883703"  # X.690 section 8.19.5
    with pytest.raises(ValueError, match="cannot be encoded"):
        ber.encode_oid(Oid((1, 40)))


def test_a_gauge_without_its_zero_octet_is_read_as_positive() -> None:
    assert ber.unsigned(bytes.fromhex("ffffffff"), 0, 4) == 0xFFFFFFFF
    with pytest.raises(WireError, match="32 bits"):
        ber.unsigned(bytes.fromhex("0100000000"), 0, 5)
