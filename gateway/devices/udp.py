"""The UDP sockets of a poller."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from ridethrough.gateway.net.addresses import family_of

LARGEST = 65535
BATCH = 512
ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


class PollingSocket:
    """Sends from an ephemeral port and passes every datagram that comes back to `receive`, with its source address.

    IPv6 has a socket of its own from the first device of it on.
    """

    def __init__(self, receive: Callable[[bytes, str], None]) -> None:
        self._sockets: dict[socket.AddressFamily, socket.socket] = {}
        self._receive = receive
        self._open(socket.AF_INET)

    def send(self, data: bytes, address: str, port: int) -> None:
        """Send a datagram. An error of the network is dropped: to the caller it is an answer that does not come."""
        family = family_of(address)
        try:
            (self._sockets.get(family) or self._open(family)).sendto(data, (address, port))
        except OSError:
            return

    def _open(self, family: socket.AddressFamily) -> socket.socket:
        """Open a socket. Raises OSError where the system has no addresses of that family."""
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((ANY[family], 0))
        self._sockets[family] = made
        asyncio.get_running_loop().add_reader(made.fileno(), self._drain, made)
        return made

    def _drain(self, made: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                data, peer = made.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self._receive(data, peer[0])

    def close(self) -> None:
        """Close the sockets; `receive` is not called any more."""
        for made in self._sockets.values():
            asyncio.get_running_loop().remove_reader(made.fileno())
            made.close()
        self._sockets.clear()
