"""Datagrams that the kernel dropped because a socket's buffer was full, by the kernel's own count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from gateway.receive.listener import Listener

TABLES = (Path("/proc/self/net/udp"), Path("/proc/self/net/udp6"))
EVERY_S = 10.0
INODE, DROPS = 9, 12  # columns, from 0 (proc(5))


def counts(table: str) -> dict[int, int]:
    """Drops by the inode of the socket, of a table as the kernel shows it."""
    rows = (line.split() for line in table.splitlines()[1:])
    return {int(row[INODE]): int(row[DROPS]) for row in rows if len(row) > DROPS}


async def watch(listeners: Collection[Listener], tell: Callable[[str, int], None]) -> None:
    """Tell each listener's new drops for ever."""
    while True:
        await asyncio.sleep(EVERY_S)
        for name, lost in look(listeners).items():
            tell(name, lost)


def look(listeners: Iterable[Listener]) -> dict[str, int]:
    """What was dropped since the last look, by listener. Kernels without such a table say nothing."""
    known: dict[int, int] = {}
    for table in TABLES:
        if table.exists():
            known |= counts(table.read_text())
    news = {}
    for listener in listeners:
        dropped = known.get(listener.inode, 0)
        if dropped > listener.dropped:
            news[listener.name] = dropped - listener.dropped
            listener.dropped = dropped
    return news
