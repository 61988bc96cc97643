"""The serial console and the session that has it: the packets between them (IPMI 2.0 section 15.11)."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.wire.ipmi import sol
from ridethrough.wire.ipmi.session import Address, ChannelHost, Session
from ridethrough.wire.ipmi.sol import SolPacket, SolPort


class ConsoleLink:
    """One controller's console. `seal` makes a datagram of a payload for a session."""

    def __init__(
        self, host: ChannelHost, sessions: dict[int, Session], seal: Callable[[Session, bytes], bytes]
    ) -> None:
        self._host = host
        self._sessions = sessions
        self._seal = seal
        self._port: SolPort | None = None
        self._session: Session | None = None

    def take(self, packet: SolPacket, session: Session, now_ms: int) -> list[bytes] | None:
        """The answers to what the holder of the console sends; None for what somebody else sends."""
        self._follow_holder()
        if self._port is None or session is not self._session:
            return None
        typed, acknowledgement = self._port.take(packet)
        if typed:
            self._host.type_console(typed)
        answers = [] if acknowledgement is None else [self._seal(session, sol.encode(acknowledgement))]
        return answers + [data for data, _ in self.pump(now_ms)]

    def pump(self, now_ms: int) -> list[tuple[bytes, Address]]:
        """Return new output of the console, repeats that are due, and the end for a holder who lost it, with peers."""
        packets = self._follow_holder()
        if self._port is None or self._session is None:
            return packets
        packet = self._port.again(now_ms) or self._port.offer(*self._host.console_since(self._port.at), now_ms)
        return (
            packets
            if packet is None
            else [*packets, (self._seal(self._session, sol.encode(packet)), self._session.peer)]
        )

    @property
    def due_ms(self) -> int | None:
        """Time at which a packet must be repeated; None while none waits."""
        return None if self._port is None else self._port.due_ms

    def _follow_holder(self) -> list[tuple[bytes, Address]]:
        """Begin with a new holder; end that of the one before."""
        holder = self._host.console_holder
        if holder is not None and holder not in self._sessions:
            self._host.close_console()
            holder = None
        before = self._session
        if holder == (before.session_id if before else None):
            return []
        packets: list[tuple[bytes, Address]] = []
        if before is not None and before.session_id in self._sessions:
            over = SolPacket(0, 0, 0, sol.DEACTIVATED)
            packets.append((self._seal(before, sol.encode(over)), before.peer))
        self._session = None if holder is None else self._sessions[holder]
        self._port = None if holder is None else SolPort(self._host.console_since(0)[1], *self._host.console_retry)
        return packets
