"""The most recent items, kept in memory for readers that follow the end of a journal or an outbox."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_ITEMS = 4096  # kept
MAX_OCTETS = 1 << 20  # and of what they hold
IDLE_APPENDS = 8  # appends without a reader, after which nothing is kept; a reader may be busy for some


class TailCache(Generic[T]):
    """The newest of numbered items, without a gap up to the last on disk; empty while nobody reads."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._first = 1  # the number of the first of these
        self._octets = 0
        self._groups: deque[tuple[int, int]] = deque()  # items and octets of each append, oldest first
        self._idle_appends = IDLE_APPENDS  # appends since the last call of `after`

    def extend(self, first: int, items: list[T], octets: int) -> None:
        """Add items that are on disk, numbered from `first`; `octets` is what they hold."""
        if not items:
            return
        kept = self._idle_appends < IDLE_APPENDS and octets <= MAX_OCTETS
        self._idle_appends += 1
        if not kept or first != self._first + len(self._items):  # a gap after damage
            self._items, self._first, self._octets = [], first, 0
            self._groups.clear()
        if not kept:
            self._first += len(items)
            return
        while self._groups and (len(self._items) + len(items) > MAX_ITEMS or self._octets + octets > MAX_OCTETS):
            gone, size = self._groups.popleft()
            del self._items[:gone]
            self._first += gone
            self._octets -= size
        self._items += items
        self._octets += octets
        self._groups.append((len(items), octets))

    def after(self, number: int, limit: int) -> list[T] | None:
        """Up to `limit` items behind `number`; None when they have to be read from disk."""
        self._idle_appends = 0
        start = number + 1 - self._first
        if not self._items or not 0 <= start <= len(self._items):
            return None
        return self._items[start : start + limit]
