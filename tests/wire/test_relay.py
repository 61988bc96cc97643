"""Notifications from one version to the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.mibs import Oid
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, decode, encode, notification
from ridethrough.wire.snmp.codec import encode_varbind
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SYS_UP_TIME
from ridethrough.wire.snmp.outline import outline
from ridethrough.wire.snmp.relay import (
    SNMP_TRAP_ADDRESS,
    SNMP_TRAP_COMMUNITY,
    SNMP_TRAP_ENTERPRISE,
    ConversionError,
    as_version_1,
    as_version_2,
    restamped,
    with_origin,
)

ENTERPRISE = Oid.parse("1.3.6.1.4.1.318")
NAME = Oid.parse("1.3.6.1.4.1.318.2.3.3.0")
names = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6).map(lambda tail: Oid((1, 3, 6, 1, 4, 1, *tail)))
binds = st.lists(
    st.one_of(
        st.builds(VarBind, names, st.just(Tag.OCTET_STRING), st.binary(max_size=20)),
        st.builds(VarBind, names, st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    ),
    max_size=4,
).map(tuple)
ticks = st.integers(0, 2**32 - 1)
traps = st.builds(
    TrapV1,
    names,
    st.binary(min_size=4, max_size=4),
    st.just(6),
    st.integers(0, 2**31 - 1),
    ticks,
    binds,
) | st.builds(TrapV1, names, st.binary(min_size=4, max_size=4), st.integers(0, 5), st.just(0), ticks, binds)


@given(traps, st.binary(max_size=12))
def test_there_and_back(trap: TrapV1, community: bytes) -> None:
    """RFC 3584: what version 1 says, version 2 keeps, but for enterprises that end in 0 (section 3.2, point 1)."""
    sent = as_version_2(Message(Version.V1, community, trap), 7)
    back = as_version_1(Message(Version.V2C, community, sent))
    assert back == trap
    assert decode(encode(Message(Version.V2C, community, sent))).pdu == sent


@given(st.integers(0, 2**31 - 1), ticks, binds)
def test_what_version_1_says_of_a_version_2_notification(
    specific: int, uptime: int, variables: tuple[VarBind, ...]
) -> None:
    name = ENTERPRISE.child(0, specific)
    pdu = Pdu(
        Kind.TRAP_V2,
        1,
        0,
        0,
        (VarBind(SYS_UP_TIME, Tag.TIME_TICKS, uptime), VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, name), *variables),
    )
    trap = as_version_1(Message(Version.V2C, b"public", pdu))
    assert trap == TrapV1(ENTERPRISE, bytes(4), 6, specific, uptime, variables)
    assert notification(Message(Version.V1, b"public", trap)) == (name, uptime, variables)


def test_the_octets_of_a_card_s_trap_in_version_2() -> None:
    trap = TrapV1(ENTERPRISE, bytes((192, 0, 2, 7)), 6, 5, 4711, (VarBind(NAME, Tag.OCTET_STRING, b"UPS: On battery"),))
    pdu = as_version_2(Message(Version.V1, b"public", trap), 9, inform=True)
    assert (pdu.kind, pdu.request_id) == (Kind.INFORM, 9)
    assert [(str(bind.oid), bind.value) for bind in pdu.varbinds] == [
        ("1.3.6.1.2.1.1.3.0", 4711),
        ("1.3.6.1.6.3.1.1.4.1.0", Oid.parse("1.3.6.1.4.1.318.0.5")),
        ("1.3.6.1.4.1.318.2.3.3.0", b"UPS: On battery"),
        ("1.3.6.1.6.3.18.1.3.0", bytes((192, 0, 2, 7))),
        ("1.3.6.1.6.3.18.1.4.0", b"public"),
        ("1.3.6.1.6.3.1.1.4.3.0", ENTERPRISE),
    ]


def test_generic_traps_have_their_numbers() -> None:
    cold = Oid.parse("1.3.6.1.6.3.1.1.5.1")
    origin = VarBind(SNMP_TRAP_ENTERPRISE, Tag.OBJECT_IDENTIFIER, ENTERPRISE)
    for more, enterprise in (((), Oid.parse("1.3.6.1.6.3.1.1.5")), ((origin,), ENTERPRISE)):
        pdu = Pdu(Kind.TRAP_V2, 1, 0, 0, (VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, cold), *more))
        trap = as_version_1(Message(Version.V2C, b"", pdu))
        assert (trap.enterprise, trap.generic_trap, trap.specific_trap, trap.varbinds) == (enterprise, 0, 0, ())


@pytest.mark.parametrize(
    "pdu",
    [
        Pdu(Kind.GET, 1, 0, 0, ()),
        Pdu(Kind.TRAP_V2, 1, 0, 0, ()),
        Pdu(
            Kind.TRAP_V2,
            1,
            0,
            0,
            (VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, NAME), VarBind(NAME, Tag.COUNTER64, 1)),
        ),
        Pdu(Kind.TRAP_V2, 1, 0, 0, (VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, Oid((1, 3))),)),
    ],
    ids=["a request", "without a name", "a Counter64", "a short name"],
)
def test_what_version_1_cannot_say(pdu: Pdu) -> None:
    with pytest.raises(ConversionError):
        as_version_1(Message(Version.V2C, b"public", pdu))


def test_an_origin_is_named_once() -> None:
    pdu = with_origin(Pdu(Kind.TRAP_V2, 1, 0, 0, ()), bytes((192, 0, 2, 7)), b"public")
    assert [bind.oid for bind in pdu.varbinds] == [SNMP_TRAP_ADDRESS, SNMP_TRAP_COMMUNITY]
    assert with_origin(pdu, bytes((192, 0, 2, 8)), b"other") == pdu


origins = st.sampled_from([SNMP_TRAP_ADDRESS, SNMP_TRAP_COMMUNITY, SNMP_TRAP_ENTERPRISE, SYS_UP_TIME, SNMP_TRAP_OID])
anything = st.one_of(
    st.builds(VarBind, names, st.just(Tag.OCTET_STRING), st.binary(max_size=300)),
    st.builds(VarBind, st.one_of(names, origins), st.just(Tag.OBJECT_IDENTIFIER), names),
    st.builds(VarBind, st.one_of(names, origins), st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.builds(VarBind, st.one_of(names, origins), st.just(Tag.TIME_TICKS), ticks),
)
headed = st.builds(
    lambda uptime, name, rest: (
        VarBind(SYS_UP_TIME, Tag.TIME_TICKS, uptime),
        VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, name),
        *rest,
    ),
    ticks,
    names,
    st.lists(anything, max_size=5),
)


@given(
    st.one_of(headed, st.lists(anything, max_size=5).map(tuple)),
    st.sampled_from([Kind.TRAP_V2, Kind.INFORM, Kind.GET]),
    st.binary(max_size=200),
    st.integers(1, 2**31 - 1),
    st.booleans(),
)
def test_restamped_is_what_reading_and_writing_anew_gives(
    variables: tuple[VarBind, ...], kind: Kind, community: bytes, request_id: int, inform: bool
) -> None:
    """Sent on as it came, but for the fields in front and the origin behind."""
    message = Message(Version.V2C, b"public", Pdu(kind, 77, 0, 0, variables))
    data = encode(message)
    found = outline(data)
    assert found is not None
    if kind is Kind.GET or not found.headed:
        return
    binds = (
        VarBind(SNMP_TRAP_ADDRESS, Tag.IP_ADDRESS, bytes((192, 0, 2, 7))),
        VarBind(SNMP_TRAP_COMMUNITY, Tag.OCTET_STRING, b"public"),
    )
    origin = [(bind.oid, encode_varbind(bind)) for bind in binds]
    anew = with_origin(as_version_2(message, request_id, inform=inform), bytes((192, 0, 2, 7)), b"public")
    assert restamped(data, found, community, request_id, origin, inform=inform) == encode(
        Message(Version.V2C, community, anew)
    )


@given(headed)
def test_time_and_name_stand_in_front_and_only_there(variables: tuple[VarBind, ...]) -> None:
    again = [bind.oid for bind in variables[2:] if bind.oid in (SYS_UP_TIME, SNMP_TRAP_OID)]
    for listed, wanted in ((variables, not again), (variables[1:], False), (variables[1::-1], False), ((), False)):
        found = outline(encode(Message(Version.V2C, b"public", Pdu(Kind.TRAP_V2, 1, 0, 0, listed))))
        assert found is not None
        assert found.headed is wanted
