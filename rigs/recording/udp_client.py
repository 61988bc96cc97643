"""One question by UDP, and its answer."""

from __future__ import annotations

import asyncio


class _Hearing(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self.heard.done():
            self.heard.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(exc)


async def exchange(
    data: bytes, to: tuple[str, int], patience_s: float, source: str | None = None, tries: int = 1
) -> bytes | None:
    """The first answer; None when none comes in `patience_s` of any try. `source` is an address of this machine.

    Raises OSError, such as ConnectionRefusedError where nothing listens.
    """
    loop = asyncio.get_running_loop()
    local = None if source is None else (source, 0)
    transport, hearing = await loop.create_datagram_endpoint(_Hearing, remote_addr=to, local_addr=local)
    try:
        for _ in range(tries):
            transport.sendto(data)
            done, _pending = await asyncio.wait([hearing.heard], timeout=patience_s)
            if done:
                return hearing.heard.result()
    finally:
        transport.close()
    return None
