"""What a gateway makes of a notification does not depend on having heard the like before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.decode import time_free_key
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, Event, Record, RecordKind
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, encode
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SYS_UP_TIME
from ridethrough.wire.snmp.relay import SNMP_TRAP_ADDRESS
from tests.support.vectors import vector

TREE = standard_tree()
APC = Oid.parse("1.3.6.1.4.1.318")
TEXT = VarBind(Oid.parse("1.3.6.1.4.1.318.2.3.3.0"), Tag.OCTET_STRING, b"UPS: On battery")
UPS, RELAY, STRANGER = "192.0.2.7", "192.0.2.8", "192.0.2.9"
SITE = Site.model_validate(
    {
        "access": {"communities": ["public", "private"], "trusted_relays": [RELAY]},
        "devices": {"UPS1": {"kind": "ups", "address": UPS}},
        "rules": [
            {"match": {"trap": "1.3.6.1.4.1.318.0.9"}, "drop": True},
            {"match": {"trap": "1.3.6.1.4.1.318.0.7"}, "event": "site.told", "text": "{device} says {mtrapargsString}"},
        ],
        "correlate": {"storms": None},
    }
)
numbers = st.sampled_from([0, 1, 127, 128, 70_000, (1 << 31) - 1])
ticks = st.one_of(numbers, st.sampled_from([(1 << 32) - 1]))
# On battery, two that the site has rules for, one that nobody knows.
specific = st.sampled_from([5, 9, 7, 4242])
texts: st.SearchStrategy[tuple[VarBind, ...]] = st.sampled_from([(), (TEXT,)])


def trap_v1(number: int, at: int, binds: tuple[VarBind, ...], community: bytes) -> bytes:
    return encode(Message(Version.V1, community, TrapV1(APC, bytes((192, 0, 2, 7)), 6, number, at, binds)))


def uptime(at: int) -> VarBind:
    return VarBind(SYS_UP_TIME, Tag.TIME_TICKS, at)


def name(number: int) -> VarBind:
    return VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, APC.child(0, number))


def of_version_2(kind: Kind, request: int, error: int, binds: tuple[VarBind, ...]) -> bytes:
    return encode(Message(Version.V2C, b"public", Pdu(kind, request, error, 0, binds)))


# As they should be; without a time, with two, out of order; a relay's.
orders = st.one_of(
    st.builds(lambda number, at, rest: (uptime(at), name(number), *rest), specific, ticks, texts),
    st.builds(lambda number, at, rest: (uptime(at), name(number), *rest, uptime(5)), specific, ticks, texts),
    st.builds(lambda number, at, rest: (name(number), *rest, uptime(at)), specific, ticks, texts),
    st.builds(lambda number, rest: (name(number), *rest), specific, texts),
    st.builds(lambda number, at: (uptime(at), name(number), name(5), TEXT), specific, ticks),
    st.builds(
        lambda number, at, last: (uptime(at), name(number), VarBind(SNMP_TRAP_ADDRESS, Tag.IP_ADDRESS, bytes(last))),
        specific,
        ticks,
        st.sampled_from([(192, 0, 2, 7), (192, 0, 2, 30)]),
    ),
)
good = st.one_of(
    st.builds(trap_v1, specific, ticks, texts, st.sampled_from([b"public", b"private", b"wrong"])),
    st.builds(of_version_2, st.sampled_from([Kind.TRAP_V2, Kind.INFORM]), numbers, st.sampled_from([0, 0, 5]), orders),
    st.sampled_from([vector("pet-ibm-ecc"), vector("net-snmp-trap-v2c"), vector("net-snmp-inform-v2c")]),
)
datagrams = st.one_of(
    good,
    st.builds(
        lambda data, at, octet: data[: at % len(data)] + bytes((octet,)) + data[at % len(data) + 1 :],
        good,
        st.integers(0, 150),
        st.integers(0, 255),
    ),
)
heard = st.lists(st.tuples(datagrams, st.sampled_from([UPS, RELAY, STRANGER])), min_size=1, max_size=12)


def conclusions(stream: list[tuple[bytes, str]], *, restarts: bool) -> list[tuple[list[Event], bytes | None, str]]:
    """What follows from each; with `restarts`, by a gateway that is started anew before each."""
    stages, found = Stages(stage_config(SITE), TREE), []
    for position, (data, source) in enumerate(stream, start=1):
        if restarts:
            state, stages = stages.dump_state(position), Stages(stage_config(SITE), TREE)
            stages.load_state(state)
        arrival = Arrival(position * 1000, RecordKind.DATAGRAM, data, "127.0.0.1:162", source, 999)
        result = stages.process((Record(position, arrival),))
        found.append((list(result.events), result.ack, result.outcome))
    return found


@given(heard)
def test_a_gateway_that_remembers_concludes_what_a_new_one_does(stream: list[tuple[bytes, str]]) -> None:
    assert conclusions(stream * 3, restarts=False) == conclusions(stream * 3, restarts=True)


def test_each_is_told_with_its_own_time() -> None:
    stream = [(trap_v1(4242, at, (TEXT,), b"public"), STRANGER) for at in (100, 101, 102, 100)]
    told = [event for events, _, _ in conclusions(stream, restarts=False) for event in events]
    assert [event.data["evidence"]["uptime_ticks"] for event in told] == [100, 101, 102, 100]
    assert [event.data["evidence"]["position"] for event in told] == [1, 2, 3, 4]


def test_what_comes_again_is_found_after_much_that_does_not() -> None:
    apart = [(trap_v1(4242, 1, (TEXT._replace(value=b"%d" % number),), b"public"), STRANGER) for number in range(2_000)]
    again = [(trap_v1(4242, at, (TEXT,), b"public"), STRANGER) for at in range(40)]
    stages, planned = Stages(stage_config(SITE), TREE), []
    for position, (data, source) in enumerate(apart + again, start=1):
        arrival = Arrival(position, RecordKind.DATAGRAM, data, "127.0.0.1:162", source, 999)
        (event,) = stages.process((Record(position, arrival),)).events
        assert event.id == f"{position}-0"
        assert event.data["evidence"]["uptime_ticks"] == (time_free_key(data) or (b"", -1))[1]
        planned.append(len(stages._cache._entries))
    assert planned[len(apart) - 1] == 0
    assert planned[-1] == 1


def test_another_time_and_another_identifier_are_the_same_otherwise() -> None:
    rest = (name(5), TEXT)
    first = time_free_key(of_version_2(Kind.INFORM, 7, 0, (uptime(100), *rest)))
    second = time_free_key(of_version_2(Kind.INFORM, 9, 0, (uptime(101), *rest)))
    assert first is not None
    assert second is not None
    assert (first[0], first[1], second[1]) == (second[0], 100, 101)
    assert time_free_key(of_version_2(Kind.INFORM, 7, 0, (uptime(100), name(6), TEXT))) != first
    trap = time_free_key(trap_v1(5, 100, (TEXT,), b"public"))
    assert trap is not None
    assert trap[1] == 100
    assert time_free_key(trap_v1(5, 101, (TEXT,), b"public")) == (trap[0], 101)
    assert time_free_key(vector("ipmitool-ping")) is None


@given(datagrams)
def test_any_datagram_is_looked_at(data: bytes) -> None:
    found = time_free_key(data)
    assert found is None or len(found[0]) < len(data)
