"""Links between a device and the network: sockets, what impairs or cuts them, the port that traps leave from."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple, Protocol

from ridethrough.emulators.bindings.device_types import LabDevice
from ridethrough.emulators.bindings.network import Impairment
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.faces.notifier import Datagram, Notifier, Sender
from ridethrough.emulators.faces.udp import EphemeralSocket, EpollReader, UdpSocket
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.world import World

Peer = tuple[str, int]


class Runtime(Protocol):
    """The running plant, as far as a host needs it."""

    counters: Counter[str]
    world: World[LabDevice]
    reader: EpollReader

    def now(self) -> Instant:
        """Return the present instant of the world."""

    def catch_up(self) -> Instant:
        """Something arrives: let the world come to the present first, which is returned."""

    def changed(self, name: str) -> None:
        """A device may have changed."""

    def flush(self, name: str) -> None:
        """A device may have something to send, and has not changed otherwise."""

    def random_bytes(self, count: int) -> bytes:
        """Return so many octets that nobody can guess."""


class Uplink(Protocol):
    """A network device between a device and the rest of the network."""

    @property
    def passes(self) -> bool:
        """True if datagrams get through now, in either direction."""


class HostContext(NamedTuple):
    """The parts that the hosts of a plant have in common."""

    runtime: Runtime
    ports: Ports
    seed: int
    uplinks: Mapping[str, Uplink]
    """By the names of the devices behind them; other devices are reached directly."""

    def random(self, name: str) -> Random:
        """A generator of a device's own, the same in every run of the plant."""
        return Random(f"{self.seed}:{name}")


class TrapSource(Protocol):
    """A device with traps to send."""

    outgoing: list[OutgoingTrap]


def random_salt(runtime: Runtime) -> int:
    """A first salt for version 3, 32 bits."""
    return int.from_bytes(runtime.random_bytes(4), "big")


class ReplySocket:
    """One device's socket, through whatever impairs it."""

    def __init__(self, impairment: Impairment, random: Random, counters: Counter[str]) -> None:
        self._impairment = impairment
        self._random = random
        self._counters = counters
        self._socket: UdpSocket | None = None

    def bind(self, address: str, port: int, reader: EpollReader, receive: Callable[[bytes, Peer], None]) -> None:
        """Open the socket; `receive` gets each datagram and its sender. Raises BindError."""
        self._socket = UdpSocket(address, port, reader, receive)

    def send(self, answer: bytes, peer: Peer) -> None:
        """Send an answer now or later, or lose it."""
        if self._impairment.calm:
            self._send(answer, peer)
            return
        for delay_s, data in self._impairment.plan([answer], self._random.random):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._send, data, peer)
            else:
                self._send(data, peer)

    def _send(self, data: bytes, peer: Peer) -> None:
        if self._socket is None or not self._socket.send(data, peer):
            self._counters["answers_not_sent"] += 1

    def close(self) -> None:
        """Close the socket; `bind` opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class TrapSender:
    """The port from which a device's traps leave, and where acknowledgements come back as long as any may come."""

    def __init__(
        self,
        sender: Sender,
        runtime: Runtime,
        uplink: Uplink | None,
        answered: Callable[[], None],
        *,
        repeat_s: float,
        repeats: int,
    ) -> None:
        """`repeat_s` and `repeats` are those of informs. `answered` is called after each answer that came back."""
        self.notifier = Notifier(sender, runtime.counters, repeat_s, repeats, random_salt(runtime))
        self._runtime = runtime
        self._answered = answered
        self._socket = EphemeralSocket(runtime.reader, self._receive)
        self._address = ""
        self._uplink = uplink

    def bind(self, address: str) -> None:
        """Send from there."""
        self._address = address

    def _receive(self, data: bytes, peer: Peer) -> None:
        self._send(self.notifier.receive(data, peer, self._runtime.now()))
        self._answered()

    def flush(self, device: TrapSource, port: int, now: Instant) -> None:
        """Send the traps that the device has queued, and the informs that are due again."""
        for out in device.outgoing:
            self._send(self.notifier.send(out, port, now))
        device.outgoing.clear()
        self._send(self.notifier.advance(now))
        if not self.notifier.waiting:
            self._socket.close()

    def _send(self, datagrams: list[Datagram]) -> None:
        passes = self._uplink is None or self._uplink.passes
        for data, peer in datagrams:
            sent = passes and self._address != "" and self._socket.send(self._address, data, peer)
            self._runtime.counters["traps_sent" if sent else "traps_not_sent"] += 1

    def close(self) -> None:
        """Close the socket; traps are lost until `bind` is called again."""
        self._socket.close()
        self._address = ""
