"""Heartbeats: what each probe takes for an answer, against the emulated BMC and by itself."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.faces.ipmi_lan import IpmiLan
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.gateway.devices.probes import POWER, EchoProbe, LivenessProbe, LoginProbe, PresencePing
from ridethrough.wire import rmcp
from tests.emulators.rig import Desk

PEER = ("127.0.0.1", 40000)


class Bmc:
    """An emulated BMC at the other end of a probe."""

    def __init__(self, password: bytes = b"admin") -> None:
        self.desk = Desk()
        self.lan = IpmiLan(self.desk.bmc, random.Random(1).randbytes)
        self.probe = LoginProbe(b"admin", lambda: password, 17, random.Random(2).randbytes)

    def beat(self) -> list[dict[str, int]]:
        """One beat; what it was told."""
        told: list[dict[str, int]] = []
        data: bytes | None = self.probe.ask()
        while data is not None:
            more = None
            for answer in self.lan.receive(data, PEER, Instant(self.desk.world.now)):
                said, more = self.probe.receive(answer)
                if said is not None:
                    told.append(dict(said))
            data = more
        self.desk.world.settle()
        return told


def test_a_login_shows_the_power_of_the_server() -> None:
    bmc = Bmc()
    assert bmc.beat() == [{POWER: 1}]
    assert len(bmc.lan.endpoint.active) == 1
    bmc.desk.ok(0x00, 0x02, b"\x00")
    assert bmc.beat() == [{POWER: 0}]
    assert len(bmc.lan.endpoint.active) == 1  # the session is kept


def test_a_lost_session_is_opened_anew() -> None:
    bmc = Bmc()
    bmc.beat()
    bmc.desk.ok(0x06, 0x02)
    assert [bmc.beat() for _ in range(3)] == [[], [], []]
    bmc.desk.at(30)
    assert {POWER: 1} in [told for _ in range(3) for told in bmc.beat()]


def test_a_wrong_password_is_no_heartbeat() -> None:
    bmc = Bmc(b"wrong")
    assert [bmc.beat() for _ in range(3)] == [[], [], []]


def test_a_ping_wants_its_own_tag() -> None:
    probe = PresencePing()
    probe.ask()
    assert probe.receive(rmcp.encode_pong(9)) == (None, None)
    assert probe.receive(rmcp.encode_pong(1)) == ({}, None)


def test_an_echo_wants_what_it_sent_last() -> None:
    probe = EchoProbe()
    first, second = probe.ask(), probe.ask()
    assert first != second
    assert probe.receive(first) == (None, None)
    assert probe.receive(second) == ({}, None)


@given(st.sampled_from([PresencePing, EchoProbe, None]), st.lists(st.binary(max_size=80), max_size=5))
def test_junk_is_no_answer(kind: type[PresencePing | EchoProbe] | None, junk: list[bytes]) -> None:
    probe: LivenessProbe = kind() if kind else LoginProbe(b"admin", lambda: b"admin", 17, random.Random(3).randbytes)
    probe.ask()
    for data in junk:
        assert probe.receive(data)[0] is None
