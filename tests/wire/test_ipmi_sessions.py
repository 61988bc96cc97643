"""Both ends of a session in memory; and an endpoint that any datagram may meet in any order."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi import protect
from ridethrough.wire.ipmi.algorithms import SUITES
from ridethrough.wire.ipmi.client import ClientState, LanClient, LanPlusClient
from ridethrough.wire.ipmi.endpoint import MAX_SESSIONS, Endpoint
from ridethrough.wire.ipmi.message import IpmiRequest, IpmiResponse, Privilege
from ridethrough.wire.ipmi.rakp import Status
from ridethrough.wire.ipmi.session import Account, Drop, LoginPolicy, Session
from ridethrough.wire.ipmi.session_table import SESSION_TIMEOUT_MS
from ridethrough.wire.ipmi.window import Window

PEER = ("127.0.0.1", 50000)


class Echo:
    """A controller whose every command returns its own data; counts executions."""

    guid = bytes(range(16))

    def __init__(self, suites: tuple[int, ...] = (3, 17)) -> None:
        self.executed = 0
        self.login_policy = LoginPolicy(suites)
        self.console_holder: int | None = None
        self.failed: list[int] = []
        self.typed = b""
        self.said = b""
        self.console_retry = (7, 480)

    def login_failed(self, user_id: int) -> None:
        self.failed.append(user_id)

    def login_succeeded(self, user_id: int) -> None:
        self.failed.clear()

    def close_console(self) -> None:
        self.console_holder = None

    def type_console(self, octets: bytes) -> None:
        self.typed += octets

    def console_since(self, at: int) -> tuple[bytes, int]:
        return self.said[at:], len(self.said)

    def account(self, name: bytes) -> Account | None:
        accounts = {
            b"admin": Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR),
            b"oper": Account(3, b"oper", b"0123456789abcdefghij", Privilege.OPERATOR),
        }
        return accounts.get(name)

    def execute(self, request: IpmiRequest, session: Session | None) -> tuple[int, bytes]:
        self.executed += 1
        return (0, request.data) if session else (0xD4, b"")


def randomness(seed: int = 1) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


def endpoint(*suites: int) -> Endpoint:
    return Endpoint(Echo(suites or (3, 17)), randomness())


def converse(client: LanPlusClient | LanClient, bmc: Endpoint, now: int = 0) -> IpmiResponse | None:
    """Let both ends talk until the client has nothing more to send."""
    outgoing: bytes | None = client.start()
    answer: IpmiResponse | None = None
    while outgoing is not None:
        replies = bmc.receive(outgoing, PEER, now)
        outgoing = None
        for reply in replies:
            result = client.receive(reply)
            if isinstance(result, IpmiResponse):
                answer = result
            elif result is not None:
                outgoing = result
    return answer


def ask(client: LanPlusClient | LanClient, bmc: Endpoint, data: bytes, now: int = 0) -> IpmiResponse:
    (reply,) = bmc.receive(client.request(0x06, 0x01, data), PEER, now)
    answer = client.receive(reply)
    assert isinstance(answer, IpmiResponse)
    return answer


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_every_suite_logs_in_asks_and_closes(suite: int) -> None:
    bmc = endpoint(suite)
    client = LanPlusClient(b"admin", b"admin", randomness(2), suite)
    answer = converse(client, bmc)
    assert client.state is ClientState.OPEN
    assert answer is not None
    assert answer.data == bytes((Privilege.ADMINISTRATOR,))
    assert ask(client, bmc, b"hello").data == b"hello"
    bmc.receive(client.close(), PEER, 0)
    assert not bmc.table.by_id


def test_what_opens_a_session_and_is_cut_off_is_unreadable_and_changes_nothing() -> None:
    bmc, client = endpoint(), LanPlusClient(b"admin", b"admin", randomness(2), 3)
    step: bytes | IpmiResponse | None = client.start()
    while isinstance(step, bytes):
        for end in range(len(step)):
            with pytest.raises(WireError):
                bmc.receive(step[:end], PEER, 0)
        (reply,) = bmc.receive(step, PEER, 0)
        step = client.receive(reply)
    assert client.state is ClientState.OPEN


def test_a_message_too_short_for_one_is_unreadable_from_whoever_has_a_session() -> None:
    bmc, client = endpoint(), LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    keys = client._keys
    assert keys is not None
    for length in range(7):
        sealed = protect.seal(keys, client._bmc_sid, 2 + length, bytes(length))
        with pytest.raises(WireError):
            bmc.receive(sealed, PEER, 0)
    assert len(bmc.active) == 1


def test_ipmi_15_with_md5() -> None:
    bmc = endpoint()
    client = LanClient(b"admin", b"admin", randomness(2))
    converse(client, bmc)
    assert client.state is ClientState.OPEN
    assert ask(client, bmc, b"x").data == b"x"


@pytest.mark.parametrize(
    ("user", "password", "suite", "privilege", "status"),
    [
        (b"admin", b"wrong", 3, Privilege.ADMINISTRATOR, Status.INVALID_INTEGRITY_CHECK),
        (b"nobody", b"x", 3, Privilege.ADMINISTRATOR, Status.UNAUTHORIZED_NAME),
        (b"", b"", 3, Privilege.ADMINISTRATOR, Status.UNAUTHORIZED_NAME),
        (b"oper", b"0123456789abcdefghij", 3, Privilege.ADMINISTRATOR, Status.UNAUTHORIZED_ROLE),
        (b"admin", b"admin", 8, Privilege.ADMINISTRATOR, Status.NO_CIPHER_SUITE_MATCH),
    ],
)
def test_refusals_have_their_status(
    user: bytes, password: bytes, suite: int, privilege: Privilege, status: Status
) -> None:
    bmc = endpoint()
    client = LanPlusClient(user, password, randomness(2), suite, privilege)
    converse(client, bmc)
    assert (client.state, client.refusal) == (ClientState.REFUSED, status)
    assert not bmc.active


def test_a_password_of_twenty_octets_never_logs_in_through_ipmi_15() -> None:
    client = LanClient(b"oper", b"0123456789abcdefghij", randomness(2), Privilege.OPERATOR)
    converse(client, endpoint())
    assert (client.state, client.completion) == (ClientState.REFUSED, 0x81)


def test_a_wrong_md5_password_meets_silence() -> None:
    bmc = endpoint()
    client = LanClient(b"admin", b"wrong", randomness(2))
    converse(client, bmc)
    assert client.state is ClientState.ACTIVATING
    assert bmc.table.drops[Drop.AUTHENTICATION] == 1


def test_a_repeated_packet_is_dropped_and_a_repeated_request_not_executed_twice() -> None:
    bmc = endpoint()
    host = bmc._host
    assert isinstance(host, Echo)
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    before = host.executed
    datagram = client.request(0x06, 0x01, b"once")
    assert len(bmc.receive(datagram, PEER, 0)) == 1
    assert bmc.receive(datagram, PEER, 0) == []
    assert bmc.table.drops[Drop.SEQUENCE] == 1
    # ipmitool repeats with a new session sequence and the old rqSeq: the kept answer goes out again.
    client._rq_seq -= 1
    assert len(bmc.receive(client.request(0x06, 0x01, b"once"), PEER, 100)) == 1
    assert host.executed == before + 1


def test_packets_from_another_address_are_dropped() -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    assert bmc.receive(client.request(0x06, 0x01), ("127.0.0.9", 1), 0) == []
    assert bmc.table.drops[Drop.PEER] == 1


def test_sessions_expire_after_a_minute_of_silence() -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    converse(client, bmc)
    assert ask(client, bmc, b"", SESSION_TIMEOUT_MS).completion == 0
    assert bmc.receive(client.request(0x06, 0x01), PEER, 2 * SESSION_TIMEOUT_MS + 1) == []
    assert bmc.table.drops[Drop.SESSION_UNKNOWN] == 1


def test_full_tables_refuse_with_a_status_and_half_open_ones_make_room() -> None:
    bmc = endpoint()
    for index in range(MAX_SESSIONS):
        client = LanPlusClient(b"admin", b"admin", randomness(index + 10), 3)
        converse(client, bmc)
        assert client.state is ClientState.OPEN
    client = LanPlusClient(b"admin", b"admin", randomness(99), 3)
    converse(client, bmc)
    assert client.refusal is Status.NO_RESOURCES
    bmc.reset()
    for index in range(MAX_SESSIONS + 5):
        bmc.receive(LanPlusClient(b"admin", b"admin", randomness(index), 3).start(), PEER, index)
    assert len(bmc.table.by_id) == MAX_SESSIONS


def test_a_lost_rakp4_is_answered_again() -> None:
    bmc = endpoint()
    client = LanPlusClient(b"admin", b"admin", randomness(2), 3)
    step: bytes | IpmiResponse | None = client.start()
    for _ in range(2):
        assert isinstance(step, bytes)
        (reply,) = bmc.receive(step, PEER, 0)
        step = client.receive(reply)
    assert isinstance(step, bytes)
    assert bmc.receive(step, PEER, 0) == bmc.receive(step, PEER, 1)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60))
def test_a_window_takes_no_number_twice(numbers: list[int]) -> None:
    window = Window(16, 15)
    taken = [number for number in numbers if window.accept(number)]
    assert len(taken) == len(set(taken))
    assert 0 not in taken


def test_the_window_of_the_specification() -> None:
    window = Window(16, 15, 100)
    assert window.accept(115)
    assert window.accept(99)
    assert not window.accept(98)
    assert not window.accept(131)
    assert window.accept(130)
    wrapping = Window(16, 15, 0xFFFFFFFF)
    assert wrapping.accept(1)


class AnyOrder(RuleBasedStateMachine):
    """Valid, damaged and replayed datagrams of several clients, in any order and at any time."""

    @initialize()
    def begin(self) -> None:
        self.bmc = endpoint()
        self.now = 0
        self.clients: list[LanPlusClient] = []
        self.sent: list[bytes] = [b"\x06\x00\xff\x07"]

    def deliver(self, data: bytes, client: LanPlusClient | None = None) -> None:
        self.sent.append(data)
        try:
            replies = self.bmc.receive(data, PEER, self.now)
        except WireError:
            return
        for reply in replies:
            if client is not None and isinstance(step := client.receive(reply), bytes):
                self.sent.append(step)

    @rule(good=st.booleans(), suite=st.sampled_from([3, 17, 1]))
    def open(self, good: bool, suite: int) -> None:
        client = LanPlusClient(b"admin", b"admin" if good else b"no", randomness(len(self.sent)), suite)
        self.clients.append(client)
        self.deliver(client.start(), client)

    @rule(index=st.integers(0, 50))
    def replay_to(self, index: int) -> None:
        client = self.clients[index % len(self.clients)] if self.clients else None
        self.deliver(self.sent[-1 - index % len(self.sent)], client)

    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        octets = bytearray(data.draw(st.sampled_from(self.sent)))
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
        self.deliver(bytes(octets))

    @rule(junk=st.binary(max_size=60))
    def junk(self, junk: bytes) -> None:
        self.deliver(b"\x06\x00\xff\x07" + junk)

    @rule(seconds=st.integers(1, 100))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1000

    @invariant()
    def bounded(self) -> None:
        assert len(self.bmc.table.by_id) <= MAX_SESSIONS
        assert all(session.account is not None for session in self.bmc.active)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
