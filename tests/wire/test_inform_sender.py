"""What a sender of informs learns of its receiver, and from whom (RFC 3414 sections 3.2, 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, secure, v3
from ridethrough.wire.snmp.inform_sender import EngineTime, InformResponse, InformSender, NotificationUser, seal_trap
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped

ENGINE, OTHER = b"\x80\x00\x1f\x88\x04one", b"\x80\x00\x1f\x88\x04two"
INFORM = Pdu(Kind.INFORM, 7, 0, 0, ())
SALT = bytes(8)
LEVELS = {
    Flags.NONE: NotificationUser(b"u", lambda _engine: Keys(), lambda _boots: SALT),
    Flags.AUTH: NotificationUser(
        b"u", lambda engine: secure.localized(Auth.SHA, b"passphrase", None, b"", engine), lambda _boots: SALT
    ),
    Flags.AUTH | Flags.PRIV: NotificationUser(
        b"u",
        lambda engine: secure.localized(Auth.SHA, b"passphrase", Priv.AES128, b"passphrase", engine),
        lambda _boots: SALT,
    ),
}


def answer(kind: Kind, user: NotificationUser, engine: bytes, flags: int, time_s: int = 100) -> bytes:
    """As the receiver sends it, at a level of its choice."""
    full = user.keys_at(engine)
    keys = Keys() if not flags & Flags.AUTH else full if flags & Flags.PRIV else Keys(full.auth, full.auth_key)
    header = Header(7, 65507, flags, engine, 2, time_s, user.name)
    return secure.seal(header, Scoped(engine, b"", Pdu(kind, 7, 0, 0, ())), keys, SALT)


def give(sender: InformSender, user: NotificationUser, data: bytes, now_ms: int = 0) -> InformResponse | None:
    message = v3.decode(data)
    return sender.receive(data, message, user.keys_at(message.header.engine_id), now_ms)


@pytest.mark.parametrize("level", LEVELS)
def test_an_inform_goes_from_question_to_acknowledgement(level: int) -> None:
    user, sender = LEVELS[level], InformSender()
    question = v3.decode(sender.datagram(INFORM, user, 0))
    assert (question.header.engine_id, question.header.message_id, question.header.user) == (b"", 7, b"")
    assert give(sender, user, answer(Kind.REPORT, user, ENGINE, Flags.NONE, 50), 1000) == InformResponse(7, False)
    told = v3.decode(sender.datagram(INFORM, user, 4999)).header
    assert (told.engine_id, told.boots, told.time_s, told.flags) == (ENGINE, 2, 53, level | Flags.REPORTABLE)
    assert give(sender, user, answer(Kind.RESPONSE, user, ENGINE, level)) == InformResponse(7, True)
    sender.forget()
    assert v3.decode(sender.datagram(INFORM, user, 0)).header.engine_id == b""


@given(
    st.sampled_from(list(LEVELS)),
    st.sampled_from(list(LEVELS)),
    st.sampled_from([ENGINE, OTHER, b""]),
    st.sampled_from([Kind.REPORT, Kind.RESPONSE, Kind.GET]),
    st.booleans(),
)
def test_only_the_engine_itself_sets_its_time(level: int, said: int, engine: bytes, kind: Kind, known: bool) -> None:
    user, sender = LEVELS[level], InformSender()
    before = EngineTime(ENGINE, 1, 10, 0) if known else None
    sender.engine = before
    said &= level  # what a receiver can do for this user
    response = give(sender, user, answer(kind, user, engine, said), 5000)
    if kind is Kind.RESPONSE and said == level:
        assert (response, sender.engine) == (InformResponse(7, True), before)
        return
    learns = kind is Kind.REPORT and engine and (not known or engine != ENGINE or said & Flags.AUTH)
    assert response == (InformResponse(7, False) if learns else None)
    assert sender.engine == (EngineTime(engine, 2, 100, 5000) if learns else before)


@given(st.integers(0, 200), st.integers(1, 255))
def test_an_answer_that_was_changed_is_none(at: int, bits: int) -> None:
    user, sender = LEVELS[Flags.AUTH], InformSender()
    data = bytearray(answer(Kind.RESPONSE, user, ENGINE, Flags.AUTH))
    data[at % len(data)] ^= bits
    try:
        response = give(sender, user, bytes(data))
    except WireError:
        return
    assert response is None or not response.acknowledged


def test_a_trap_has_the_time_of_its_senders_engine() -> None:
    header = v3.decode(
        seal_trap(INFORM._replace(kind=Kind.TRAP_V2), EngineTime(ENGINE, 5, 9, 1500), LEVELS[Flags.AUTH], 3499)
    ).header
    assert (header.engine_id, header.boots, header.time_s, header.flags) == (ENGINE, 5, 10, Flags.AUTH)
