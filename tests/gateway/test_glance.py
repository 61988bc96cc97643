"""What is told of a datagram at a glance holds when it is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.decode import decode_datagram
from ridethrough.gateway.decode.snmp import wants_ack
from ridethrough.gateway.records import Arrival, RecordKind
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire import ber
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, encode

NAME = VarBind(Oid.parse("1.3.6.1.6.3.1.1.4.1.0"), Tag.OBJECT_IDENTIFIER, Oid.parse("1.3.6.1.4.1.318.0.5"))
TEXT = Oid.parse("1.3.6.1.4.1.318.2.3.3.0")
communities = st.sampled_from([b"", b"public", bytes((Kind.INFORM,)) * 9, bytes(200)])
fillings = st.binary(max_size=300)


def message(kind: Kind, community: bytes, filling: bytes) -> bytes:
    binds = (NAME, VarBind(TEXT, Tag.OCTET_STRING, filling))
    if kind is Kind.TRAP_V1:
        trap = TrapV1(Oid.parse("1.3.6.1.4.1.318"), bytes(4), 6, 5, 0, binds[1:])
        return encode(Message(Version.V1, community, trap))
    return encode(Message(Version.V2C, community, Pdu(kind, 7, 0, 0, binds)))


def padded(data: bytes, octets: int) -> bytes:
    """The same with a longer length field, as some agents write it."""
    _, start, _ = ber.read_header(data, 0, len(data))
    size = len(data) - start
    return data[:1] + bytes((0x80 | octets,)) + size.to_bytes(octets, "big") + data[start:]


@given(st.sampled_from([Kind.TRAP_V1, Kind.TRAP_V2, Kind.INFORM]), communities, fillings, st.integers(2, 4))
def test_informs_are_told_from_traps(kind: Kind, community: bytes, filling: bytes, octets: int) -> None:
    data = message(kind, community, filling)
    for one in (data, padded(data, octets)):
        assert wants_ack(one) is (kind is Kind.INFORM)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda data, at, octet: data[:at] + bytes((octet,)) + data[at + 1 :],
            st.builds(message, st.sampled_from([Kind.TRAP_V2, Kind.INFORM]), communities, fillings),
            st.integers(0, 30),
            st.integers(0, 255),
        ),
    )
)
def test_nothing_that_is_answered_is_overlooked(data: bytes) -> None:
    arrival = Arrival(0, RecordKind.DATAGRAM, data, "127.0.0.1:162", "192.0.2.7", 5000)
    decoded = decode_datagram(arrival, standard_tree(), frozenset({b"", b"public", bytes((Kind.INFORM,)) * 9}))
    assert decoded.ack is None or wants_ack(data)
