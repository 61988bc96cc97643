"""The position of a destination, in memory and on disk.

Three positions, each at or behind the one before: `done` is what the destination has taken; `scheduled` is what goes to
disk with the next write of anything else; `durable` is what a restart goes on from, so that a crash repeats the events
between `durable` and `done`.
"""

from __future__ import annotations

import asyncio

from ridethrough.gateway.storage.interfaces import Cursor

CURSOR_FLUSH_S = 0.05  # without anything new to schedule, after which the position is written by itself


class CursorTracker:
    """Moves the cursor of one destination. Methods that wait raise StoreError."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.done: int | None = None  # None until `load` has read it
        self._scheduled = 0
        self._scheduled_at_s = 0.0  # loop time
        self._durable = 0

    async def position(self) -> int:
        """The position up to which everything is done; read from disk before the first `load`."""
        return await self.cursor.position() if self.done is None else self.done

    async def load(self) -> int:
        """Read the position that an earlier run left, and go on from there."""
        self.done = self._scheduled = self._durable = await self.cursor.position()
        return self.done

    async def move(self, position: int) -> None:
        """Go on from another position, forward or back."""
        await self.cursor.advance(position)
        self.done = self._scheduled = self._durable = position

    async def schedule(self, position: int) -> bool:
        """Have `position` written together with whatever is written next. False when it was scheduled before."""
        if position == self._scheduled:
            return False
        self.done = self._scheduled = position
        self._scheduled_at_s = asyncio.get_running_loop().time()
        if await self.cursor.advance_lazily(position):
            self._durable = position
        return True

    @property
    def is_durable(self) -> bool:
        """True when all that was scheduled is known to be on disk."""
        return self._scheduled == self._durable

    @property
    def flush_due(self) -> bool:
        """True when nothing was scheduled for `CURSOR_FLUSH_S`, so that no other write may come soon."""
        return asyncio.get_running_loop().time() - self._scheduled_at_s >= CURSOR_FLUSH_S

    async def flush(self, position: int) -> None:
        """Write `position` now, unless it is on disk already."""
        self.done = self._scheduled = position
        if position != self._durable:
            await self.cursor.advance(position)
            self._durable = position
