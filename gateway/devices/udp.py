"""A UDP socket for asking devices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

LARGEST = 65535
BATCH = 512


class Asker:
    """Sends from an ephemeral port and hands every answer to `receive` with the address it came from."""

    def __init__(self, receive: Callable[[bytes, str], None]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("0.0.0.0", 0))
        self._receive = receive
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def send(self, data: bytes, address: str, port: int) -> None:
        """Send; what the network refuses is an answer that does not come."""
        try:
            self._socket.sendto(data, (address, port))
        except OSError:
            return

    def _drain(self) -> None:
        for _ in range(BATCH):
            try:
                data, peer = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self._receive(data, peer[0])

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
