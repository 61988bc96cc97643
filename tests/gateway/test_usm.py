"""The receiver of version 3: no octet may be changed, no clock may go back, and no datagram is fatal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.decode.usm import MAX_ENGINES, OpenedMessage, RefusedMessage, TrapUser, UsmReceiver
from ridethrough.gateway.records import EngineClock, EngineIdentity
from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind, secure, v3
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID
from ridethrough.wire.snmp.usm import Auth, Priv

OURS, THEIRS = b"\x80\x00\x7e\xd9\x05gateway1", b"\x80\x00\x1f\x88\x80sender"
USER = TrapUser(b"mgr", Auth.SHA256, b"auth passphrase 1", Priv.AES128, b"priv passphrase 2")
OPEN = TrapUser(b"anybody")
SOURCE = "192.0.2.7"
KEYS = {engine: USER.keys(engine) for engine in (OURS, THEIRS)}
TRAP = Pdu(Kind.TRAP_V2, 1, 0, 0, (VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, Oid.parse("1.3.6.1.4.1.9.9")),))


def receiver(*clocks: EngineClock) -> UsmReceiver:
    return UsmReceiver([USER, OPEN], EngineIdentity(OURS, 1, 0), clocks)


def sealed(boots: int = 4, time_s: int = 1000, flags: int = 3, engine: bytes = THEIRS, pdu: Pdu = TRAP) -> bytes:
    header = v3.Header(7, 65507, flags, engine, boots, time_s, b"mgr")
    return secure.seal(header, v3.Scoped(engine, b"", pdu), KEYS[engine], b"saltsalt")


WHOLE = sealed()
INFORM = sealed(1, 5, 7, OURS, TRAP._replace(kind=Kind.INFORM))


@pytest.mark.parametrize(("data", "at_ms"), [(WHOLE, 0), (INFORM, 5_000)], ids=["trap", "inform"])
def test_what_is_whole_is_taken(data: bytes, at_ms: int) -> None:
    taken = receiver().open(data, at_ms, SOURCE)
    assert isinstance(taken, OpenedMessage)
    assert (taken.user, taken.pdu.varbinds) == (b"mgr", TRAP.varbinds)
    assert (taken.ack is not None) is (data is INFORM)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.booleans())
def test_no_octet_may_be_changed(at: int, flip: int, inform: bool) -> None:
    data = bytearray(INFORM if inform else WHOLE)
    data[at] ^= flip
    try:
        taken = receiver().open(bytes(data), 5_000, SOURCE)
    except WireError:
        return
    assert isinstance(taken, RefusedMessage)


@given(st.binary(max_size=200))
def test_any_datagram_is_a_value_or_the_one_error(data: bytes) -> None:
    try:
        assert isinstance(receiver().open(data, 0, SOURCE), OpenedMessage | RefusedMessage)
    except WireError:
        return


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2_000), st.integers(0, 600)), max_size=12))
def test_no_clock_goes_back(told: list[tuple[int, int, int]]) -> None:
    """Of one engine: what is taken after something newer is at most the window older (RFC 3414 section 3.2)."""
    usm, now_s = receiver(), 0
    newest = (0, 0, 0)
    for boots, time_s, wait_s in told:
        now_s += wait_s
        taken = usm.open(sealed(boots, time_s), now_s * 1000, SOURCE)
        if isinstance(taken, OpenedMessage):
            assert boots >= newest[0]
            if boots == newest[0]:
                assert time_s >= newest[1] + (now_s - newest[2]) - 150
            if (boots, time_s) > newest[:2]:
                newest = (boots, time_s, now_s)
        else:
            assert taken.reason == "not_in_time_windows"
            assert newest != (0, 0, 0)
    # Another run that took up the clocks judges as this one does.
    again = receiver(*usm.moved_clocks())
    for old in (sealed(1, 0), sealed(2, 1_000)):
        assert type(again.open(old, now_s * 1000, SOURCE)) is type(usm.open(old, now_s * 1000, SOURCE))


def test_an_inform_outside_our_time_is_told_ours() -> None:
    taken = receiver().open(INFORM, 1_000_000, SOURCE)
    assert isinstance(taken, RefusedMessage)
    assert taken.reason == "not_in_time_windows"
    assert taken.report is not None
    report = v3.decode(taken.report).header
    assert (report.engine_id, report.boots, report.time_s) == (OURS, 1, 1000)


def test_senders_are_remembered_within_bounds() -> None:
    usm = receiver(*(EngineClock(number.to_bytes(8, "big"), 1, 0, number) for number in range(MAX_ENGINES)))
    usm.open(WHOLE, 10_000, SOURCE)
    moved = usm.moved_clocks()
    assert [clock.engine_id for clock in moved] == [THEIRS]
    assert usm.moved_clocks() == []
    assert len(usm._clocks) == MAX_ENGINES


def test_a_reader_that_looks_at_no_clock_takes_only_known_users() -> None:
    usm = receiver()
    assert usm.read(WHOLE, SOURCE) == TRAP
    assert usm.read(INFORM, SOURCE) == TRAP._replace(kind=Kind.INFORM)
    assert usm.read(WHOLE[:-1] + bytes((WHOLE[-1] ^ 1,)), SOURCE) is None
    assert usm.read(b"", SOURCE) is None
