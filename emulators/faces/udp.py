"""UDP sockets of the emulated devices: the thin shell around the faces."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from emulators.faces.bind import explain_bind

BATCH = 64  # datagrams read before other sockets get their turn
LARGEST = 65535

Receiver = Callable[[bytes, tuple[str, int]], None]


class UdpSocket:
    """A bound socket that hands every datagram to `receive`."""

    def __init__(
        self, address: str, port: int, receive: Receiver | None = None, arrive: Callable[[], None] | None = None
    ) -> None:
        """`arrive` is called before the first of several datagrams that are read together. Raises BindError."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._receive = receive
        self._arrive = arrive
        try:
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise explain_bind(error, f"{address}:{port}/udp") from error
        self.port: int = self._socket.getsockname()[1]
        if receive is not None:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def _drain(self) -> None:
        receive, hear = self._receive, self._socket.recvfrom
        if receive is None:
            return
        if self._arrive is not None:
            self._arrive()
        for _ in range(BATCH):
            try:
                data, peer = hear(LARGEST)
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
        if self._receive is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
