"""Liveness probes of heartbeats: a presence ping, a command in a session, an echo. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ridethrough.wire import rmcp
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi.client import ClientState, LanPlusClient
from ridethrough.wire.ipmi.message import IpmiResponse

NO_READINGS: Mapping[str, int] = {}
POWER = "chassisPower"  # of Get Chassis Status: 1 on, 0 off
CHASSIS, GET_STATUS = 0x00, 0x01
LOST_AFTER = 2  # beats without an answer after which a session counts as lost
MARK = b"ridethrough "


class LivenessProbe(Protocol):
    """Makes the datagrams that ask one device, and reads its answers."""

    def ask(self) -> bytes:
        """Make the next datagram; asking again means that the one before went unanswered."""

    def receive(self, data: bytes) -> tuple[Mapping[str, int] | None, bytes | None]:
        """Read an answer. Returns its readings, None if it proves nothing, and a datagram to send at once, if any."""


class PresencePing:
    """Presence ping of ASF (2.0, section 3.2.4): no session, no login."""

    def __init__(self) -> None:
        self._tag = 0

    def ask(self) -> bytes:
        """Make a ping with a tag of its own."""
        self._tag = (self._tag + 1) % 0xFF  # FFh would ask for no answer
        return rmcp.encode_ping(self._tag)

    def receive(self, data: bytes) -> tuple[Mapping[str, int] | None, bytes | None]:
        """Accept the pong with the tag of the last ping; it has no readings."""
        try:
            if rmcp.decode(data).rmcp_class is not rmcp.RmcpClass.ASF:
                return None, None
            pong = rmcp.decode_asf(data)
        except WireError:
            return None, None
        return (NO_READINGS, None) if isinstance(pong, rmcp.Pong) and pong.tag == self._tag else (None, None)


class LoginProbe:
    """Get Chassis Status in a session that is kept, and opened anew when it is lost. Shows the server's power, too."""

    def __init__(
        self, user: bytes, password: Callable[[], bytes], suite: int, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._user = user
        self._password = password
        self._suite = suite
        self._random = random_bytes
        self._client: LanPlusClient | None = None
        self._unanswered = 0

    def ask(self) -> bytes:
        """Make a request in the session, or the first datagram of a new one."""
        if self._client is None or self._unanswered >= LOST_AFTER or self._client.state is not ClientState.OPEN:
            self._client = LanPlusClient(self._user, self._password(), self._random, self._suite)
            self._unanswered = 0
            return self._client.start()
        self._unanswered += 1
        return self._client.request(CHASSIS, GET_STATUS)

    def receive(self, data: bytes) -> tuple[Mapping[str, int] | None, bytes | None]:
        """Continue the log-in, or accept the chassis status: the reading `POWER` is 1 while the server is on."""
        if self._client is None:
            return None, None
        try:
            step = self._client.receive(data)
        except WireError:
            return None, None
        if isinstance(step, bytes):
            return None, step
        if not isinstance(step, IpmiResponse):
            return None, None
        self._unanswered = 0
        if (step.netfn & 0x3E, step.command) != (CHASSIS, GET_STATUS):
            return None, self._client.request(CHASSIS, GET_STATUS)  # the session has just been opened
        return ({POWER: step.data[0] & 1} if step.data else NO_READINGS), None


class EchoProbe:
    """Echo service (RFC 862) of a server's operating system."""

    def __init__(self) -> None:
        self._count = 0
        self._sent = b""

    def ask(self) -> bytes:
        """Make a datagram that differs from all before."""
        self._count += 1
        self._sent = MARK + self._count.to_bytes(8, "big")
        return self._sent

    def receive(self, data: bytes) -> tuple[Mapping[str, int] | None, bytes | None]:
        """Accept the last datagram sent back; it has no readings."""
        return (NO_READINGS, None) if data == self._sent else (None, None)
