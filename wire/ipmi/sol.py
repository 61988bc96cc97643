"""Serial over LAN: packets, and the controller's end of one console (IPMI 2.0 sections 15.9 to 15.11)."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.wire.errors import WireError

HEADER = 4
MAX_DATA = 200
NACK = 0x40
# Status of the controller.
DEACTIVATED = 0x10
LAST_SEQUENCE = 15


class SolPacket(NamedTuple):
    """One packet, either way. Sequence 0 carries nothing but an acknowledgement."""

    sequence: int
    acknowledged: int
    accepted: int
    operation: int
    data: bytes = b""


def decode(payload: bytes, offset: int = 0) -> SolPacket:
    """Read a payload. Raises WireError."""
    if len(payload) < HEADER:
        raise WireError(offset + len(payload), "a serial-over-LAN payload has at least 4 octets")
    return SolPacket(payload[0] & 0x0F, payload[1] & 0x0F, payload[2], payload[3], payload[HEADER:])


def encode(packet: SolPacket) -> bytes:
    """The octets of a payload."""
    return bytes((packet.sequence, packet.acknowledged, packet.accepted, packet.operation)) + packet.data


class SolPort:
    """The controller's end: one packet under way at a time, repeated until it is acknowledged."""

    def __init__(self, at: int, retries: int, retry_ms: int) -> None:
        """`at` is the octet of the console's output from which this end begins."""
        self._retries = retries
        self._retry_ms = retry_ms
        self.at = at
        self._sequence = 0
        self._last_sequence = 0  # the console's last packet with data
        self._last_octets = 0
        self._waiting: SolPacket | None = None
        self._left = 0
        self.due_ms: int | None = None

    def take(self, packet: SolPacket) -> tuple[bytes, SolPacket | None]:
        """Keys pressed, and the acknowledgement that goes back, if the packet wants one."""
        waiting = self._waiting
        if waiting is not None and packet.acknowledged == waiting.sequence:
            if packet.operation & NACK or packet.accepted < len(waiting.data):
                self.at -= len(waiting.data) - min(packet.accepted, len(waiting.data))
            self._waiting, self.due_ms = None, None
        if not packet.sequence:
            return b"", None
        repeated = packet.sequence == self._last_sequence and len(packet.data) == self._last_octets
        self._last_sequence, self._last_octets = packet.sequence, len(packet.data)
        return (b"" if repeated else packet.data), SolPacket(0, packet.sequence, len(packet.data), 0)

    def offer(self, output: bytes, end: int, now_ms: int) -> SolPacket | None:
        """The next packet with output, unless one is under way. `output` reaches up to octet `end`."""
        if self._waiting is not None or not output:
            return None
        data = output[:MAX_DATA]
        self.at = end - len(output) + len(data)
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        self._waiting = SolPacket(self._sequence, 0, 0, 0, data)
        self._left, self.due_ms = self._retries, now_ms + self._retry_ms
        return self._waiting

    def again(self, now_ms: int) -> SolPacket | None:
        """The packet under way, when it is time to repeat it; given up after the last retry."""
        if self.due_ms is None or self.due_ms > now_ms or self._waiting is None:
            return None
        if not self._left:
            self._waiting, self.due_ms = None, None
            return None
        self._left -= 1
        self.due_ms = now_ms + self._retry_ms
        return self._waiting
