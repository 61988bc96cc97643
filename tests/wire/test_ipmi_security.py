"""Whoever has no right gets none: altered handshakes, replays, windows, levels, suites."""

from __future__ import annotations

import pytest

from ridethrough.wire.ipmi.algorithms import SUITES
from ridethrough.wire.ipmi.client import ClientState, LanClient, LanPlusClient
from ridethrough.wire.ipmi.endpoint import Endpoint
from ridethrough.wire.ipmi.message import IpmiResponse, Privilege
from ridethrough.wire.ipmi.rakp import Status
from ridethrough.wire.ipmi.session import Drop, LoginPolicy
from ridethrough.wire.ipmi.session_table import HALF_OPEN_MS
from tests.wire.test_ipmi_sessions import PEER, Echo, ask, converse, endpoint, randomness

HEADER = 16  # RMCP and session header of a setup datagram
RAKP3_CODE = HEADER + 8


def handshake(bmc: Endpoint, suite: int = 3) -> tuple[LanPlusClient, list[bytes]]:
    """A client, and what it would send up to RAKP message 3, which is not sent."""
    client = LanPlusClient(b"admin", b"admin", randomness(2), suite)
    steps = [client.start()]
    for _ in range(2):
        (reply,) = bmc.receive(steps[-1], PEER, 0)
        step = client.receive(reply)
        assert isinstance(step, bytes)
        steps.append(step)
    return client, steps


def host_of(bmc: Endpoint) -> Echo:
    host = bmc._host
    assert isinstance(host, Echo)
    return host


@pytest.mark.parametrize("suite", [suite for suite in sorted(SUITES) if SUITES[suite].authentication])
def test_every_altered_octet_of_the_last_code_refuses_the_login(suite: int) -> None:
    length = len(handshake(endpoint(suite), suite)[1][2])
    for at in range(RAKP3_CODE, length):
        bmc = endpoint(suite)
        client, steps = handshake(bmc, suite)
        altered = bytearray(steps[2])
        altered[at] ^= 0x10
        (reply,) = bmc.receive(bytes(altered), PEER, 0)
        client.receive(reply)
        assert (client.state, client.refusal) == (ClientState.REFUSED, Status.INVALID_INTEGRITY_CHECK)
        assert not bmc.table.by_id
        assert host_of(bmc).failed == [2]


def test_a_handshake_answered_for_somebody_else_opens_nothing() -> None:
    for at in (4, 5, 6, 7):  # the session that RAKP message 3 names
        bmc = endpoint()
        _, steps = handshake(bmc)
        altered = bytearray(steps[2])
        altered[HEADER + at] ^= 1
        assert bmc.receive(bytes(altered), PEER, 0) == []
        assert not bmc.active


def test_a_console_that_goes_silent_after_the_second_message_counts_as_a_wrong_password() -> None:
    bmc = endpoint()
    handshake(bmc)
    bmc.receive(LanPlusClient(b"admin", b"admin", randomness(3), 3).start(), PEER, HALF_OPEN_MS)
    assert host_of(bmc).failed == []
    bmc.receive(LanPlusClient(b"admin", b"admin", randomness(4), 3).start(), PEER, HALF_OPEN_MS + 1)
    assert host_of(bmc).failed == [2]


def test_a_good_login_ends_the_count() -> None:
    bmc = endpoint()
    converse(LanPlusClient(b"admin", b"wrong", randomness(2), 3), bmc)
    bmc.receive(LanPlusClient(b"admin", b"admin", randomness(4), 3).start(), PEER, HALF_OPEN_MS + 1)
    assert host_of(bmc).failed == [2]
    converse(LanPlusClient(b"admin", b"admin", randomness(3), 3), bmc, HALF_OPEN_MS + 2)
    assert host_of(bmc).failed == []


def test_a_wrong_md5_password_counts_once_for_each_challenge() -> None:
    bmc = endpoint()
    client = LanClient(b"admin", b"wrong", randomness(2))
    sent: list[bytes] = []
    step: bytes | IpmiResponse | None = client.start()
    while isinstance(step, bytes):
        sent.append(step)
        replies = bmc.receive(step, PEER, 0)
        step = client.receive(replies[0]) if replies else None
    assert bmc.receive(sent[-1], PEER, 0) == []
    assert host_of(bmc).failed == [2]


@pytest.mark.parametrize("suite", [2, 3, 7, 8, 11, 12, 16, 17])
def test_a_replayed_request_is_dropped(suite: int) -> None:
    bmc = endpoint(suite)
    client = LanPlusClient(b"admin", b"admin", randomness(2), suite)
    converse(client, bmc)
    request = client.request(0x06, 0x01, b"once")
    assert bmc.receive(request, PEER, 0)
    assert bmc.receive(request, PEER, 0) == []
    assert bmc.table.drops[Drop.SEQUENCE] == 1


@pytest.mark.parametrize(("ahead", "taken"), [(1, True), (15, True), (16, False), (1000, False)])
def test_numbers_far_ahead_are_dropped(ahead: int, taken: bool) -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    for _ in range(ahead):
        request = client.request(0x06, 0x01, b"")
    assert bool(bmc.receive(request, PEER, 0)) is taken
    assert bmc.table.drops[Drop.SEQUENCE] == (0 if taken else 1)


def test_a_session_does_not_rise_above_the_level_it_asked_for() -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3, Privilege.OPERATOR)
    converse(client, bmc)
    (reply,) = bmc.receive(client.request(0x06, 0x3B, b"\x04"), PEER, 0)
    answer = client.receive(reply)
    assert isinstance(answer, IpmiResponse)
    assert answer.completion == 0x81
    assert bmc.active[0].privilege is Privilege.OPERATOR


def test_a_suite_gives_no_more_than_its_privilege() -> None:
    bmc = endpoint(3)
    host_of(bmc).login_policy = LoginPolicy((3,), (Privilege.OPERATOR,))
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    assert client.refusal is Status.UNAUTHORIZED_ROLE
    lower = LanPlusClient(b"admin", b"admin", randomness(2), 3, Privilege.OPERATOR)
    converse(lower, bmc)
    assert lower.state is ClientState.OPEN


@pytest.mark.parametrize("suite", [0, 1, 2, 6, 7, 8, 11, 12, 15, 16])
def test_a_weaker_suite_than_those_that_are_on_is_refused(suite: int) -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), suite)
    converse(client, bmc)
    assert client.refusal is Status.NO_CIPHER_SUITE_MATCH
    assert not bmc.table.by_id


def test_a_sealed_session_takes_nothing_in_the_clear() -> None:
    bmc = endpoint(1, 3)
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    host = host_of(bmc)
    before = host.executed
    plain = LanPlusClient(b"admin", b"admin", randomness(2), 1)
    plain_request = None
    other = endpoint(1)
    converse(plain, other)
    plain_request = bytearray(plain.request(0x06, 0x01, b""))
    plain_request[6:10] = bmc.active[0].session_id.to_bytes(4, "little")
    assert bmc.receive(bytes(plain_request), PEER, 0) == []
    assert host.executed == before
    assert bmc.table.drops[Drop.AUTHENTICATION] == 1


def test_the_key_of_the_controller_is_part_of_the_login() -> None:
    bmc = endpoint()
    host_of(bmc).login_policy = LoginPolicy(kg=b"key of the controller")
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    assert client.state is not ClientState.OPEN or ask(client, bmc, b"").completion != 0
