"""A NATS client that tries all addresses of a server's name; imported where the extra `ridethrough[nats]` is there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import ParseResult

from nats.aio.client import Client
from nats.aio.transport import TcpTransport

from ridethrough.gateway.net.addresses import open_stream


class _Transport(TcpTransport):
    """nats-py's own tries the first address alone until its timeout."""

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: float) -> None:
        async with asyncio.timeout(connect_timeout):
            reader, writer = await open_stream(uri.hostname or "", uri.port or 0, limit=buffer_size)
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    def __bool__(self) -> bool:
        return True  # so that the client keeps this one, before its first connection, too


def options(login: Callable[[], dict[str, Any]], tls: Callable[[], ssl.SSLContext | None]) -> dict[str, Any]:
    """Arguments of a connection, with secrets and certificates as they are now. Raises OSError."""
    arguments, context = login(), tls()
    return arguments if context is None else arguments | {"tls": context}


def new_client() -> Any:
    """A client of nats-py that is not connected yet."""
    client = Client()
    # nats-py 2.16 has no option for it.
    client._transport = _Transport()  # type: ignore[no-untyped-call]  # noqa: SLF001
    return client
