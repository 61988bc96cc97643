"""A request over UDP and its answer."""

from __future__ import annotations

import asyncio


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def exchange(
    data: bytes, to: tuple[str, int], timeout_s: float, source: str | None = None, tries: int = 1
) -> bytes | None:
    """Send `data` and return the first answer; None when none comes in `timeout_s` of any try.

    `source` is an address of this machine. Raises OSError, such as ConnectionRefusedError where nothing listens.
    """
    loop = asyncio.get_running_loop()
    local = None if source is None else (source, 0)
    transport, protocol = await loop.create_datagram_endpoint(_Exchange, remote_addr=to, local_addr=local)
    try:
        for _ in range(tries):
            transport.sendto(data)
            done, _pending = await asyncio.wait([protocol.answer], timeout=timeout_s)
            if done:
                return protocol.answer.result()
    finally:
        transport.close()
    return None
