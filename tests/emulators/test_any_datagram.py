"""Whatever arrives at a face: no exception, and the next good request is answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.faces.ipmi_lan import IpmiLan
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire import rmcp
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind, v3
from tests.emulators.rig import PLANT, Desk, number
from tests.support.vectors import names, vector

USERS = {"mgr": {"type": "write", "auth": "sha", "auth_key": "auth passphrase 1"}, "looker": {"type": "read"}}
DESK = Desk(PLANT | {"ups": {"UPS1": PLANT["ups"]["UPS1"] | {"users": USERS}}})
LAN = IpmiLan(DESK.bmc, lambda count: b"\x5a" * count)
PEER = ("127.0.0.1", 40000)


def v3_message(engine: bytes, user: bytes, flags: int, code: bytes, at: int, value: int) -> bytes:
    """A version 3 message, right but for one octet."""
    pdu = Pdu(Kind.GET, 1, 0, 0, (VarBind(number("sysDescr.0"), Tag.NULL, None),))
    header = v3.Header(7, 1500, flags, engine, 1, 0, user, code)
    octets = bytearray(v3.encode(v3.V3Message(header, v3.encode_scoped(v3.Scoped(engine, b"", pdu)))))
    octets[at % len(octets)] = value
    return bytes(octets)


datagrams = st.one_of(
    st.binary(max_size=300),
    st.builds(
        v3_message,
        st.sampled_from([b"", DESK.card.engine_id]),
        st.sampled_from([b"", b"mgr", b"looker", b"nobody"]),
        st.integers(0, 7),
        st.binary(max_size=12),
        st.integers(0, 200),
        st.integers(0, 255),
    ),
    st.builds(
        lambda name, at, value: vector(name)[:at] + bytes((value,)) + vector(name)[at + 1 :],
        st.sampled_from(names()),
        st.integers(0, 100),
        st.integers(0, 255),
    ),
    st.builds(lambda head, tail: head + tail, st.sampled_from([b"\x06\x00\xff\x07", b"\x06\x00\xff\x06"]), st.binary()),
)


@given(datagrams)
def test_the_agent_survives(data: bytes) -> None:
    DESK.agent.receive(data, "10.0.0.9", DESK.world.now)
    DESK.world.settle()
    answer = DESK.ask(Kind.GET, VarBind(number("upsBasicIdentModel.0"), Tag.NULL, None))
    assert answer is not None
    assert answer.varbinds[0].value == b"SMART-UPS 1400"


@given(datagrams)
def test_the_bmc_survives(data: bytes) -> None:
    LAN.receive(data, PEER, Instant(0))
    (pong,) = LAN.receive(rmcp.encode_ping(7), PEER, Instant(0))
    assert rmcp.decode_asf(pong) == rmcp.Pong(7, ipmi=True)
