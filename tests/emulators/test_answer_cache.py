"""A request that comes again is answered as if it had never come before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.mibs import Oid
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, encode, secure, v3
from ridethrough.wire.snmp.secure import Keys
from tests.emulators.rig import PLANT, Desk, number

USERS = {"all": {"type": "read"}, "half": {"type": "read", "view": ["1.3.6.1.2.1.33"]}}
UPS = PLANT["ups"]["UPS1"] | {"profile": "smart-ups-1500-xlm", "users": USERS}
RIG: dict[str, Any] = PLANT | {"mains": {"city": {"volts": 120}}, "ups": {"UPS1": UPS}}
OIDS = [row.oid for row in Desk(RIG).view.instances]


def moving() -> list[Oid]:
    """What shows something else at another line voltage: among six hundred objects, chance finds these too seldom."""
    before, after = Desk(RIG), Desk(RIG)
    after.inject("city", "volts", "118")
    return [oid for oid in OIDS if before.get_oid(str(oid)) != after.get_oid(str(oid))]


names = st.one_of(
    st.sampled_from(moving()),
    st.sampled_from(OIDS),
    st.sampled_from(OIDS).map(lambda oid: Oid(oid[:-1])),
    st.sampled_from([Oid.parse("1.3"), Oid.parse("1.3.6.1.4.1.318.9"), Oid.parse("2.1")]),
)
requests = st.lists(
    st.tuples(
        st.sampled_from([Kind.GET, Kind.GET_NEXT, Kind.GET_BULK]),
        st.lists(names, min_size=0, max_size=4),
        st.integers(0, 3),
        st.integers(0, 60),
        st.sampled_from(["v1", "v2c", "all", "half"]),
    ),
    min_size=1,
    max_size=4,
)
changes = st.lists(
    st.sampled_from(
        [
            "city off",
            "city on",
            "city volts 118",
            "UPS1 charge 10",
            "UPS1 trouble charger",
            "UPS1 freeze",
            "UPS1 thaw",
            "write",
            "wait",
        ]
    ),
    max_size=6,
)


def without_memory(desk: Desk, data: bytes) -> bytes | None:
    """The answer of a card that has no answer in its cache; other cards keep theirs."""
    instances = desk.view.instances
    stores = [each.answers for each in (instances, instances.base) if each is not None]
    kept = [dict(answers) for answers in stores]
    for answers in stores:
        answers.clear()
    answer = desk.agent.receive(data, "10.0.0.1", desk.world.now)
    for answers, before in zip(stores, kept, strict=True):
        answers.clear()
        answers.update(before)
    return answer


class Both:
    """Two cards in the same state, one with an agent that may remember."""

    def __init__(self) -> None:
        self.desks = [Desk(RIG), Desk(RIG)]

    def change(self, what: str) -> None:
        for desk in self.desks:
            if what == "write":
                desk.set("sysName.0", Tag.OCTET_STRING, b"changed")
            elif what == "wait":
                desk.at(desk.world.now / 1000 + 17)
            else:
                place, *words = what.split()
                desk.inject(place, *words)

    def ask(self, data: bytes) -> None:
        for _ in range(2):  # the second time from the cache
            first = self.desks[0].agent.receive(data, "10.0.0.1", self.desks[0].world.now)
            assert first == without_memory(self.desks[1], data)


def datagram(desk: Desk, who: str, pdu: Pdu) -> bytes:
    if who in ("v1", "v2c"):
        return encode(Message(Version.V1 if who == "v1" else Version.V2C, b"public", pdu))
    engine = desk.card.engine_id
    header = v3.Header(7, 65_507, v3.Flags.REPORTABLE, engine, 1, 0, who.encode())
    return secure.seal(header, v3.Scoped(engine, b"", pdu), Keys(), b"")


@given(requests, changes)
def test_answers_are_the_same_with_and_without_memory(
    asked: list[tuple[Kind, list[Oid], int, int, str]], changed: list[str]
) -> None:
    both = Both()
    for change in ["", *changed]:
        if change:
            both.change(change)
        for kind, oids, first, second, who in asked:
            binds = tuple(VarBind(oid, Tag.NULL, None) for oid in oids)
            numbers = (first, second) if kind is Kind.GET_BULK else (0, 0)
            both.ask(datagram(both.desks[0], who, Pdu(kind, 0x12345678, *numbers, binds)))


def test_no_moving_value_is_told_again_after_it_moved() -> None:
    for oid in moving():
        both = Both()
        data = datagram(both.desks[0], "v2c", Pdu(Kind.GET, 0x12345678, 0, 0, (VarBind(oid, Tag.NULL, None),)))
        for change in ("wait", "city volts 118", "wait", "city on"):
            both.ask(data)
            both.change(change)
        both.ask(data)


def test_what_changes_after_the_first_request_shows_in_the_second() -> None:
    desk = Desk(RIG)
    data = encode(
        Message(Version.V2C, b"public", Pdu(Kind.GET, 77, 0, 0, (VarBind(number("sysName.0"), Tag.NULL, None),)))
    )
    before = desk.agent.receive(data, "10.0.0.1", desk.world.now)
    desk.set("sysName.0", Tag.OCTET_STRING, b"renamed")
    after = desk.agent.receive(data, "10.0.0.1", desk.world.now)
    assert before is not None
    assert after is not None
    assert b"renamed" not in before
    assert b"renamed" in after
    desk.card.set_access((), desk.world.now)
    assert desk.agent.receive(data, "10.0.0.1", desk.world.now) is None  # memory is no right


def test_a_user_with_a_view_never_sees_what_another_was_answered() -> None:
    desk = Desk(RIG)
    hidden = number("upsAdvBatteryCapacity.0")
    pdu = Pdu(Kind.GET, 0x12345678, 0, 0, (VarBind(hidden, Tag.NULL, None),))
    seen: dict[str, list[int]] = {}
    for _ in range(3):
        for who in ("all", "half"):
            answer = desk.agent.receive(datagram(desk, who, pdu), "10.0.0.1", desk.world.now)
            assert answer is not None
            (bind,) = v3.decode_scoped(v3.decode(answer).payload).pdu.varbinds
            seen.setdefault(who, []).append(bind.tag)
    assert seen == {"all": [Tag.GAUGE32] * 3, "half": [Tag.NO_SUCH_OBJECT] * 3}
