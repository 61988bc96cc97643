"""A BMC's LAN channel on the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi.endpoint import Endpoint
from ridethrough.wire.ipmi.session import Address, ChannelHost


class SessionLife(Protocol):
    """The life of a controller. `generation` grows whenever all its sessions are lost."""

    generation: int


class IpmiHost(ChannelHost, Protocol):
    """A management controller that can lose power, and with it every session."""

    max_sessions: int

    @property
    def lifecycle(self) -> SessionLife:
        """The life of the controller."""

    def answering(self, now: Instant) -> bool:
        """Return whether a datagram that arrives at `now` is answered."""


class IpmiLan:
    """Datagrams in, answers out; nothing is raised for what cannot be read, it is counted."""

    def __init__(self, host: IpmiHost, random_bytes: Callable[[int], bytes]) -> None:
        self._host = host
        self._life = host.lifecycle
        self._generation = self._life.generation
        self.endpoint = Endpoint(host, random_bytes, host.max_sessions)
        self._table = self.endpoint.table
        self._received = self._unreadable = 0

    @property
    def counters(self) -> Counter[str]:
        """Datagrams received, and those of them that could not be read."""
        return Counter(received=self._received, unreadable=self._unreadable)

    @property
    def refused(self) -> str | None:
        """Reason for which the last datagram was refused; None when it was not."""
        reason = self._table.refused
        return None if reason is None else reason.value

    def pump(self, now: Instant) -> list[tuple[bytes, Address]]:
        """Return packets of the serial console that are due, with the peers they go to."""
        return self.endpoint.pump(now) if self._host.answering(now) else []

    def next_deadline(self) -> Instant | None:
        """Return the instant at which `pump` must be called next; None for never."""
        due = self.endpoint.due_ms
        return None if due is None else Instant(due)

    def receive(self, data: bytes, peer: Address, now: Instant) -> list[bytes]:
        """Answers to one datagram."""
        if not self._host.answering(now):
            return []
        if self._generation != self._life.generation:
            self._generation = self._life.generation
            self.endpoint.reset()
        self._received += 1
        try:
            return self.endpoint.receive(data, peer, now)
        except WireError:
            self._unreadable += 1
            return []
