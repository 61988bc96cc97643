"""Datagrams that the kernel dropped because a socket's buffer was full, by the kernel's own count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from ridethrough.gateway.receive.listener import Listener

EVERY_S = 10.0


async def watch(listeners: Collection[Listener], tell: Callable[[str, int], None]) -> None:
    """Tell each listener's new drops for ever."""
    while True:
        await asyncio.sleep(EVERY_S)
        for name, lost in look(listeners).items():
            tell(name, lost)


def look(listeners: Iterable[Listener]) -> dict[str, int]:
    """What was dropped since the last look, by listener. Kernels that do not count say nothing."""
    news = {}
    for listener in listeners:
        dropped = listener.drops()
        if dropped > listener.dropped:
            news[listener.name] = dropped - listener.dropped
            listener.dropped = dropped
    return news
