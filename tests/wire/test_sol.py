"""Serial over LAN: packets, and a port whose packets get lost, doubled and half accepted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi import sol
from ridethrough.wire.ipmi.sol import SolPacket, SolPort

RETRIES, RETRY_MS = 7, 480

packets = st.builds(
    SolPacket,
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=255),
)


@given(packets)
def test_packets_round_trip(packet: SolPacket) -> None:
    assert sol.decode(sol.encode(packet)) == packet


@given(st.binary(max_size=8))
def test_any_octets_give_a_packet_or_the_one_error(data: bytes) -> None:
    try:
        sol.decode(data)
    except WireError:
        assert len(data) < 4


class Far:
    """The other end: takes what it has not had, acknowledges, perhaps only a part."""

    def __init__(self) -> None:
        self.had = b""
        self._last = 0

    def take(self, packet: SolPacket, accepts: int) -> SolPacket:
        count = len(packet.data)
        if packet.sequence != self._last:
            count = min(accepts, count) if accepts else count
            self.had += packet.data[:count]
            self._last = packet.sequence
        return SolPacket(0, packet.sequence, count, 0)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.lists(st.integers(0, 7), max_size=60))
def test_all_output_arrives_once_and_in_order(written: list[bytes], luck: list[int]) -> None:
    """0 loses the packet, 1 its acknowledgement, 2 doubles it, 3 and 4 are accepted in part; the rest goes well."""
    port, far = SolPort(0, RETRIES, RETRY_MS), Far()
    said, now = b"", 0
    chances = iter(luck)
    for piece in [*written, *[b""] * 80]:
        said += piece
        packet = port.again(now) or port.offer(said[port.at :], len(said), now)
        now += RETRY_MS
        if packet is None:
            continue
        chance = next(chances, 7)
        if chance == 0:
            continue
        answer = far.take(packet, chance if chance in (3, 4) else 0)
        if chance == 1:
            continue
        if chance == 2:
            answer = far.take(packet, 0)
        port.take(answer)
    assert far.had == said


@given(st.binary(min_size=1, max_size=100))
def test_keys_repeated_are_pressed_once(keys: bytes) -> None:
    port = SolPort(0, RETRIES, RETRY_MS)
    packet = SolPacket(3, 0, 0, 0, keys)
    typed, acknowledgement = port.take(packet)
    assert (typed, acknowledgement) == (keys, SolPacket(0, 3, len(keys), 0))
    assert port.take(packet) == (b"", acknowledgement)


def test_a_packet_nobody_acknowledges_is_given_up() -> None:
    port = SolPort(0, RETRIES, RETRY_MS)
    assert port.offer(b"hello", 5, 0) is not None
    copies = [port.again(at) for at in range(0, 20_000, RETRY_MS)]
    assert sum(copy is not None for copy in copies) == RETRIES
    assert port.due_ms is None
