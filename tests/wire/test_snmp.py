"""SNMP messages: octets of net-snmp, and pysnmp as the independent witness."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api, rfc1905

from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import (
    ErrorStatus,
    GenericTrap,
    Kind,
    Message,
    Pdu,
    Tag,
    TrapV1,
    VarBind,
    Version,
    decode,
    encode,
    notification,
)
from ridethrough.wire.snmp.convert import acknowledge
from ridethrough.wire.snmp.outline import Outline, outline
from tests.support.vectors import names, vector

oid = Oid.parse
oids = st.builds(lambda rest: Oid((1, 3, *rest)), st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=15))
unsigned = st.integers(0, 0xFFFFFFFF)
values = st.one_of(
    st.tuples(st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(Tag.OCTET_STRING), st.binary(max_size=200)),
    st.tuples(st.just(Tag.NULL), st.none()),
    st.tuples(st.just(Tag.OBJECT_IDENTIFIER), oids),
    st.tuples(st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.tuples(st.sampled_from([Tag.COUNTER32, Tag.GAUGE32, Tag.TIME_TICKS]), unsigned),
    st.tuples(st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from([Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB_VIEW]), st.none()),
)
varbinds = st.lists(st.builds(lambda name, pair: VarBind(name, *pair), oids, values), max_size=6).map(tuple)
requests = st.integers(0, 2**31 - 1)
v2_kinds = [Kind.GET, Kind.GET_NEXT, Kind.RESPONSE, Kind.SET, Kind.GET_BULK, Kind.INFORM, Kind.TRAP_V2, Kind.REPORT]
small = st.integers(0, 1000)
v2_messages = st.builds(
    Message,
    st.just(Version.V2C),
    st.binary(max_size=30),
    st.builds(Pdu, st.sampled_from(v2_kinds), requests, small, small, varbinds),
)
v1_traps = st.builds(
    Message,
    st.just(Version.V1),
    st.binary(max_size=30),
    st.builds(TrapV1, oids, st.binary(min_size=4, max_size=4), st.integers(0, 6), requests, unsigned, varbinds),
)


@given(st.one_of(v2_messages, v1_traps))
def test_round_trip(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
def test_any_octets_give_a_message_or_the_one_error(data: bytes) -> None:
    try:
        decode(data)
    except WireError as error:
        assert 0 <= error.offset <= len(data)


@given(st.sampled_from(names()), st.data())
def test_damaged_messages_give_a_message_or_the_one_error(name: str, data: st.DataObject) -> None:
    octets = bytearray(vector(name))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    try:
        decode(bytes(octets[:cut]))
    except WireError as error:
        assert 0 <= error.offset <= cut


def _read(data: bytes) -> Message | str:
    try:
        return decode(data)
    except WireError as error:
        return str(error)


def _outlined(data: bytes) -> Outline | str | None:
    try:
        return outline(data)
    except WireError as error:
        return str(error)


@given(st.one_of(v2_messages, v1_traps), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3))
def test_an_outline_is_what_reading_finds_and_what_it_refuses(message: Message, damage: list[tuple[int, int]]) -> None:
    octets = bytearray(encode(message))
    for at, octet in damage:
        octets[at % len(octets)] = octet
    data = bytes(octets)
    whole, found = _read(data), _outlined(data)
    if isinstance(whole, Message) and whole.version is Version.V1:
        assert found is None
        return
    if isinstance(whole, str):
        assert found is None or found == whole  # of version 1 no more than the beginning is looked at
        return
    pdu = whole.pdu
    assert isinstance(found, Outline)
    assert isinstance(pdu, Pdu)
    assert (found.kind, found.community, found.request_id) == (pdu.kind, whole.community, pdu.request_id)
    assert list(zip(found.names, found.tags, strict=True)) == [(bind.oid, bind.tag) for bind in pdu.varbinds]
    assert found.stop == len(data)


@given(v2_messages)
def test_pysnmp_reads_what_we_write(message: Message) -> None:
    module: Any = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
    seen, rest = decoder.decode(encode(message), asn1Spec=module.Message())
    assert not rest
    assert bytes(module.apiMessage.get_community(seen)) == message.community
    pdu = module.apiMessage.get_pdu(seen)
    assert isinstance(message.pdu, Pdu)
    assert int(pdu[0]) == message.pdu.request_id
    bindings = [(tuple(item[0]), item[1]) for item in pdu[3]]
    assert [Oid(name) for name, _ in bindings] == [item.oid for item in message.pdu.varbinds]


@given(st.lists(st.tuples(oids, st.one_of(st.integers(-(2**31), 2**31 - 1), st.binary(max_size=50))), max_size=5))
def test_we_read_what_pysnmp_writes(bindings: list[tuple[Oid, int | bytes]]) -> None:
    module: Any = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
    pdu = module.SetRequestPDU()
    module.apiPDU.set_defaults(pdu)
    wanted = [
        (tuple(name), module.Integer(value) if isinstance(value, int) else module.OctetString(value))
        for name, value in bindings
    ]
    module.apiPDU.set_varbinds(pdu, wanted)
    message = module.Message()
    module.apiMessage.set_defaults(message)
    module.apiMessage.set_community(message, "public")
    module.apiMessage.set_pdu(message, pdu)
    seen = decode(encoder.encode(message))
    assert isinstance(seen.pdu, Pdu)
    assert seen.pdu.kind is Kind.SET
    assert [(item.oid, item.value) for item in seen.pdu.varbinds] == bindings


def test_net_snmp_trap_v1() -> None:
    message = decode(vector("net-snmp-trap-v1"))
    text = VarBind(oid("1.3.6.1.4.1.318.2.3.3.0"), Tag.OCTET_STRING, b"UPS: On battery power")
    trap = TrapV1(oid("1.3.6.1.4.1.318"), bytes((127, 0, 1, 1)), 6, 5, 360000, (text,))
    assert message == Message(Version.V1, b"public", trap)
    assert encode(message) == vector("net-snmp-trap-v1")
    assert notification(message) == (oid("1.3.6.1.4.1.318.0.5"), 360000, (text,))


def test_net_snmp_trap_v2c() -> None:
    message = decode(vector("net-snmp-trap-v2c"))
    assert encode(message) == vector("net-snmp-trap-v2c")
    found = notification(message)
    assert found is not None
    assert found[:2] == (oid("1.3.6.1.4.1.318.0.9"), 360000)
    assert found[2][0].value == b"x" * 140


def test_net_snmp_inform_and_its_acknowledgement() -> None:
    message = decode(vector("net-snmp-inform-v2c"))
    assert isinstance(message.pdu, Pdu)
    assert message.pdu.kind is Kind.INFORM
    answer = acknowledge(message.pdu)
    assert (answer.kind, answer.request_id, answer.varbinds) == (
        Kind.RESPONSE,
        message.pdu.request_id,
        message.pdu.varbinds,
    )


def test_net_snmp_requests() -> None:
    bulk = decode(vector("net-snmp-bulk-v2c")).pdu
    assert isinstance(bulk, Pdu)
    assert (bulk.kind, bulk.error_status, bulk.error_index) == (Kind.GET_BULK, 1, 5)
    change = decode(vector("net-snmp-set-v2c")).pdu
    assert change.varbinds == (VarBind(oid("1.3.6.1.4.1.318.1.1.1.5.2.10.0"), Tag.TIME_TICKS, 30000),)


def test_long_forms_of_lengths_are_read() -> None:
    assert decode(vector("net-snmp-long-lengths")).pdu.varbinds == decode(vector("net-snmp-get-v1")).pdu.varbinds


def test_the_worked_platform_event_trap() -> None:
    message = decode(vector("pet-watchdog"))
    assert isinstance(message.pdu, TrapV1)
    assert (message.pdu.enterprise, message.pdu.specific_trap) == (oid("1.3.6.1.4.1.3183.1.1"), 2322177)
    assert encode(message) == vector("pet-watchdog")


@pytest.mark.parametrize(
    ("generic", "name"),
    [(GenericTrap.COLD_START, "1.3.6.1.6.3.1.1.5.1"), (GenericTrap.AUTHENTICATION_FAILURE, "1.3.6.1.6.3.1.1.5.5")],
)
def test_generic_traps_by_rfc_3584(generic: GenericTrap, name: str) -> None:
    trap = TrapV1(oid("1.3.6.1.4.1.318.1.3.2.10"), bytes(4), generic, 0, 7, ())
    assert notification(Message(Version.V1, b"", trap)) == (oid(name), 7, ())


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        ("30 03 02 01 00 00", "octets follow the message"),
        ("30 03 02 01 02", "neither SNMPv1"),
        ("30 0a 02 01 00 04 00 a5 03 02 01 00", "does not belong in an SNMPv1"),
        ("30 0a 02 01 01 04 00 a4 03 02 01 00", "does not belong in an SNMPv2c"),
        ("30 09 02 01 00 04 00 a0 02 02 00", "1 to 9 octets"),
        ("30 05 02 01 00 04 00", "tag and a length"),
        ("30 07 02 01 00 04 00 b0 00", "no PDU"),
        ("04 00", "0x04 where 0x30"),
    ],
)
def test_broken_messages_name_their_rule(octets: str, rule: str) -> None:
    with pytest.raises(WireError, match=rule):
        decode(bytes.fromhex(octets))


def test_error_names_are_those_of_rfc_3416() -> None:
    witness = {int(number): str(name) for name, number in rfc1905.errorStatus.namedValues.items()}
    ours = {int(item): item.name.replace("_", "").lower() for item in ErrorStatus}
    assert ours == {number: name.lower() for number, name in witness.items()}
