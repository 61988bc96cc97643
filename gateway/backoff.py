"""Waits: for something new to read, and before the next attempt after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 60.0


class GrowthSignal:
    """Wakes readers that have reached the end of something that grows."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Set by the next `notify`. Take it before reading, so that nothing is added unnoticed in between."""
        return self._next

    def notify(self) -> None:
        """Wake all readers."""
        self._next.set()
        self._next = asyncio.Event()


def delay_s(attempt: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait after the `attempt`th failure; `jitter` returns a number in 0..1 that spreads the waits."""
    longest: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(attempt - 1, 16))
    return longest * (0.5 + 0.5 * jitter())


async def wait_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False when it was not set in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
