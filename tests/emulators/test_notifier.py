"""Traps and informs on their way out, without a network: repeats, acknowledgements, and whatever else arrives."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.bindings.snmp import Access, UsmUser
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.faces.notifier import Notifier
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import GenericTrap, Kind, Message, Pdu, TrapV1, Version, decode, encode, v3
from ridethrough.wire.snmp.usm import Auth
from tests.support.vectors import names, vector

PEER = ("192.0.2.1", 162)
TRAP = TrapV1(Oid.parse("1.3.6.1.4.1.318"), bytes((127, 0, 1, 1)), GenericTrap.ENTERPRISE_SPECIFIC, 5, 100, ())


class Card:
    """As much of a card as its traps need."""

    engine_id = bytes.fromhex("800000000300c0b7000101")
    boots = 3

    def __init__(self) -> None:
        user = UsmUser(b"mgr", Access.READ, Auth.SHA, b"auth passphrase 1")
        self.users = {b"mgr": user}

    def engine_time_s(self, now: Instant) -> int:
        return now // 1000


def notifier() -> tuple[Notifier, Counter[str]]:
    counters: Counter[str] = Counter()
    return Notifier(Card(), counters, repeat_s=5, repeats=2), counters


def outgoing(version: int, *, inform: bool = False, user: bytes = b"") -> OutgoingTrap:
    return OutgoingTrap(PEER[0], None, b"public", TRAP, version, inform, user)


def test_an_inform_is_repeated_until_it_is_acknowledged() -> None:
    out, counters = notifier()
    ((data, peer),) = out.send(outgoing(2, inform=True), 162, Instant(0))
    assert peer == PEER
    assert out.next_deadline() == 5000
    assert out.advance(Instant(4999)) == []
    assert out.advance(Instant(5000)) == [(data, PEER)]
    pdu = decode(data).pdu
    assert isinstance(pdu, Pdu)
    answer = encode(Message(Version.V2C, b"public", pdu._replace(kind=Kind.RESPONSE)))
    assert out.receive(answer, ("192.0.2.9", 162), Instant(6000)) == []  # from somebody else: it still waits
    assert out.next_deadline() is not None
    assert out.receive(answer, PEER, Instant(6000)) == []
    assert out.next_deadline() is None
    assert counters == {"informs_acknowledged": 1}


def test_an_inform_that_nobody_acknowledges_is_given_up() -> None:
    out, counters = notifier()
    first = out.send(outgoing(2, inform=True), 162, Instant(0))
    assert out.advance(Instant(5000)) == first
    assert out.advance(Instant(10_000)) == first
    assert out.advance(Instant(15_000)) == []
    assert out.next_deadline() is None
    assert counters == {"informs_given_up": 1}


def test_a_version_3_inform_asks_for_the_engine_first() -> None:
    out, _ = notifier()
    ((data, _),) = out.send(outgoing(3, inform=True, user=b"mgr"), 162, Instant(0))
    header = v3.decode(data).header
    assert (header.engine_id, header.user, header.flags) == (b"", b"", v3.Flags.REPORTABLE)


def test_a_version_3_trap_is_sealed_for_the_engine_of_the_card() -> None:
    out, _ = notifier()
    ((data, _),) = out.send(outgoing(3, user=b"mgr"), 162, Instant(7000))
    header = v3.decode(data).header
    assert (header.engine_id, header.boots, header.time_s) == (Card.engine_id, 3, 7)
    assert header.flags == v3.Flags.AUTH


def test_a_trap_of_nobody_is_counted_and_not_sent() -> None:
    out, counters = notifier()
    assert out.send(outgoing(3, user=b"gone"), 162, Instant(0)) == []
    assert counters == {"traps_without_user": 1}


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from(names()).map(vector),
            st.sampled_from(names()).map(lambda name: vector(name)[:-1]),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_anything_may_arrive_and_repeats_stay_bounded(arriving: list[bytes], secure: bool) -> None:
    out, _ = notifier()
    out.send(outgoing(3, inform=True, user=b"mgr") if secure else outgoing(2, inform=True), 162, Instant(0))
    sent = 0
    for data in arriving:
        sent += len(out.receive(data, PEER, Instant(1)))
    assert sent <= len(arriving)
    while (deadline := out.next_deadline()) is not None:
        out.advance(deadline)
    assert out.advance(Instant(10**9)) == []
