"""The UDP sockets of a poller, one for each address that it asks from."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from ridethrough.gateway.net.addresses import family_of

LARGEST = 65535
BATCH = 512
ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


class PollingSocket:
    """Sends from ephemeral ports and passes every datagram that comes back to `receive`, with its source address.

    IPv6, and each address that some device is asked from, have a socket of their own from their first use on.
    """

    def __init__(self, receive: Callable[[bytes, str], None]) -> None:
        self._sockets: dict[str, socket.socket] = {}  # by the local address
        self._receive = receive
        self._open(ANY[socket.AF_INET])

    def send(self, data: bytes, address: str, port: int, source: str | None = None) -> None:
        """Send a datagram, from `source` or from the address that the system chooses.

        An error of the network is dropped: to the caller it is an answer that does not come.
        """
        local = source or ANY[family_of(address)]
        try:
            (self._sockets.get(local) or self._open(local)).sendto(data, (address, port))
        except OSError:
            return

    def _open(self, local: str) -> socket.socket:
        """Open a socket. Raises OSError where the system has no such address, or none of that family."""
        made = socket.socket(family_of(local), socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.bind((local, 0))
        except OSError:
            made.close()
            raise
        self._sockets[local] = made
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
