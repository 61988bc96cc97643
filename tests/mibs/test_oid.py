from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.mibs import Oid

arcs = st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=128)


@given(arcs)
def test_text_round_trip(numbers: list[int]) -> None:
    oid = Oid(numbers)
    assert Oid.parse(str(oid)) == oid == Oid.parse("." + str(oid))


@pytest.mark.parametrize(
    "text", ["", ".", "1..2", "1.a", "1.-1", "1.4294967296", "１.２", "1 .2", ".".join(["1"] * 129)]
)
def test_what_is_no_identifier(text: str) -> None:
    with pytest.raises(ValueError, match="object identifier"):
        Oid.parse(text)


def test_order_is_numeric_by_arc() -> None:
    # RFC 3416 section 4.2.2: ...2.2.10 comes after ...2.2.9, and a prefix before what it covers.
    listed = [Oid.parse(text) for text in ("1.3.6.2.10", "1.3.6.2.9", "1.3.6.2", "1.3.6.2.9.0")]
    assert [str(oid) for oid in sorted(listed)] == ["1.3.6.2", "1.3.6.2.9", "1.3.6.2.9.0", "1.3.6.2.10"]


def test_covers() -> None:
    apc = Oid.parse("1.3.6.1.4.1.318")
    assert apc.covers(apc)
    assert apc.covers(apc.child(1, 1))
    assert not apc.covers(Oid.parse("1.3.6.1.4.1.3183"))
