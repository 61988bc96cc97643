"""What was written last, for those who read on as something grows."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 4096  # items
MOST_OCTETS = 1 << 20  # and of what they hold


class Newest(Generic[T]):
    """The newest of numbered items, as they are on disk, without a gap up to the last; none while nobody reads on."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._first = 1  # the number of the first of these
        self._octets = 0
        self._read_on = False  # whether anybody has asked since they grew

    def grown(self, first: int, items: list[T], octets: int) -> None:
        """These are on disk, numbered from `first`; they hold so many octets."""
        if not items:
            return
        wanted, self._read_on = self._read_on, False
        gap = first != self._first + len(self._items)  # after damage
        if not wanted or gap or len(self._items) + len(items) > MOST or self._octets + octets > MOST_OCTETS:
            self._items, self._first, self._octets = [], first, 0
        if wanted and octets <= MOST_OCTETS:
            self._items += items
            self._octets += octets
        else:
            self._first = first + len(items)

    def after(self, number: int, limit: int) -> list[T] | None:
        """Up to `limit` of those behind `number`; None for what is known on disk only."""
        self._read_on = True
        start = number + 1 - self._first
        if not self._items or not 0 <= start <= len(self._items):
            return None
        return self._items[start : start + limit]
