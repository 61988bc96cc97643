"""UDP sockets of the emulated devices: the thin shell around the faces.

Devices have a socket for each of their addresses, and an event loop that watched thousands of them would spend more on
each datagram than a device does. So one epoll(7) of our own watches them all, and the loop watches that.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

from ridethrough.emulators.faces.bind_error import BindError, explain_bind

BATCH = 64  # datagrams read of a socket before others get their turn
MAX_READY = 1024  # sockets looked at together
ROUNDS = 16  # looks before the event loop gets its turn
LARGEST = 65535

Receiver = Callable[[bytes, tuple[str, int]], None]


class EpollReader:
    """Watches sockets and reads those that are ready. `on_ready` is called before datagrams that are read together."""

    def __init__(self, on_ready: Callable[[], object]) -> None:
        self._on_ready = on_ready
        self._epoll: select.epoll | None = None
        self._sockets: dict[int, tuple[int, UdpSocket]] = {}  # with the order in which they came
        self._count = 0

    def open(self) -> None:
        """Begin to watch, in the running loop."""
        self._epoll = select.epoll()
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._read)

    def close(self) -> None:
        """Watch no more; what was added is gone by then, or will be closed."""
        if self._epoll is not None:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def add(self, fileno: int, udp: UdpSocket) -> None:
        """Watch a socket. Raises RuntimeError before `open`."""
        if self._epoll is None:
            raise RuntimeError("a reader is opened before its sockets")
        self._count += 1
        self._sockets[fileno] = (self._count, udp)
        self._epoll.register(fileno, select.EPOLLIN)

    def remove(self, fileno: int) -> None:
        """Watch a socket no longer; one that is not watched is no error."""
        if self._sockets.pop(fileno, None) is not None and self._epoll is not None:
            self._epoll.unregister(fileno)

    def _read(self) -> None:
        """Read until nothing is there, but for a while only: others wait in the loop."""
        for _ in range(ROUNDS):
            if self._epoll is None or not (ready := self._epoll.poll(0, MAX_READY)):
                return
            self._take(ready)

    def _take(self, ready: list[tuple[int, int]]) -> None:
        self._on_ready()
        if len(ready) == 1:
            self._sockets[ready[0][0]][1].drain(BATCH)
            return
        # The kernel's order differs between runs; this one does not. What one datagram closes is read no more.
        for _, fileno in sorted((self._sockets[fileno][0], fileno) for fileno, _ in ready):
            if (found := self._sockets.get(fileno)) is not None:
                found[1].drain(1)


class UdpSocket:
    """A bound socket that hands every datagram to `receive`."""

    def __init__(
        self, address: str, port: int, reader: EpollReader | None = None, receive: Receiver | None = None
    ) -> None:
        """Nothing is read without `reader` and `receive`. Raises BindError."""
        self._receive = receive
        self._reader = None if receive is None else reader
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as error:
            raise explain_bind(error, f"{address}:{port}/udp") from error
        self._socket.setblocking(False)
        try:
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise explain_bind(error, f"{address}:{port}/udp") from error
        if self._reader is not None:
            self._reader.add(self._socket.fileno(), self)

    def drain(self, most: int) -> None:
        """Hand over what has come, up to a number of datagrams."""
        receive, read = self._receive, self._socket.recvfrom
        if receive is None:
            return
        for _ in range(most):
            try:
                data, peer = read(LARGEST)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # the ICMP answer to something sent earlier
            receive(data, peer)

    def send(self, data: bytes, peer: tuple[str, int]) -> bool:
        """Send one datagram; False when the network refused it, as UDP may."""
        try:
            self._socket.sendto(data, peer)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop watching and close the socket."""
        if self._reader is not None:
            self._reader.remove(self._socket.fileno())
        self._socket.close()


class EphemeralSocket:
    """A port of the system's choice that is there while it is needed: thousands of devices rarely speak all at once."""

    def __init__(self, reader: EpollReader | None = None, receive: Receiver | None = None) -> None:
        self._reader = reader
        self._receive = receive
        self._socket: UdpSocket | None = None

    def send(self, address: str, data: bytes, peer: tuple[str, int]) -> bool:
        """Send one datagram from `address`; False when the network refused it, or no port could be had."""
        if self._socket is None:
            try:
                self._socket = UdpSocket(address, 0, self._reader, self._receive)
            except BindError:
                return False
        return self._socket.send(data, peer)

    def close(self) -> None:
        """Give the port back; `send` takes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
