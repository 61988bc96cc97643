"""Reports datagrams that the kernel dropped because a socket's buffer was full, by the kernel's own count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from ridethrough.gateway.receive.listener import Listener

EVERY_S = 10.0


async def watch_overruns(listeners: Collection[Listener], report: Callable[[str, int], None]) -> None:
    """Report each listener's new drops, by name and number, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        for name, lost in new_drops(listeners).items():
            report(name, lost)


def new_drops(listeners: Iterable[Listener]) -> dict[str, int]:
    """Return the datagrams dropped since the last call, by listener; none on kernels that do not count them."""
    found = {}
    for listener in listeners:
        dropped = listener.drops()
        if dropped > listener.dropped:
            found[listener.name] = dropped - listener.dropped
            listener.dropped = dropped
    return found
