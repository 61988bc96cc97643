"""Notifications that differ in nothing but their time are decoded and translated once."""

from __future__ import annotations

from typing import Final

from ridethrough.gateway.decode import time_free_key
from ridethrough.gateway.records import Arrival, Signal

MAX_ENTRIES: Final = 1024
MANY_MISSES: Final = 1024  # after so many lookups in a row that found nothing,
EVERY: Final = 8  # only one datagram in so many is looked up: the sender's never repeat


class CachedNotification:
    """The signals of a notification. `inform`: its sender waits for an acknowledgement."""

    def __init__(self, signals: list[Signal], *, inform: bool) -> None:
        self.signals = signals
        self.inform = inform


class Lookup:
    """Result of a look-up: the entry of a datagram, or else the key under which it may become one."""

    def __init__(
        self, key: tuple[str, str, bytes] | None, uptime_ticks: int = 0, cached: CachedNotification | None = None
    ) -> None:
        self.key = key
        self.uptime_ticks = uptime_ticks
        self.cached = cached


NOT_LOOKED_UP: Final = Lookup(None)


class NotificationCache:
    """The last `MAX_ENTRIES` notifications that came at least twice, by sender, listener and time-free octets."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, bytes], CachedNotification] = {}
        self._seen: set[int] = set()  # hashes of keys that came once
        self._misses = 0  # in a row

    def clear(self) -> None:
        """Forget the entries. To be called when rules or devices have changed."""
        self._entries.clear()

    def lookup(self, arrival: Arrival, position: int) -> Lookup:
        """Find the entry of a datagram. `position` is that of its record."""
        if self._misses >= MANY_MISSES and position % EVERY:
            self._misses += 1
            return NOT_LOOKED_UP
        found = time_free_key(arrival.data)
        if found is None or not found[0]:
            self._misses += 1
            return NOT_LOOKED_UP
        rest, uptime_ticks = found
        key = (arrival.source, arrival.listener, rest)
        cached = self._entries.get(key)
        self._misses = 0 if cached is not None else self._misses + 1
        return Lookup(key, uptime_ticks, cached)

    def learn(self, lookup: Lookup, signals: list[Signal], *, inform: bool) -> None:
        """Keep the signals of a datagram if it comes for the second time: most of them never come again."""
        key = lookup.key
        if key is None:
            return
        number = hash(key)
        if number in self._seen:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = CachedNotification(signals, inform=inform)
            return
        if len(self._seen) >= MAX_ENTRIES:
            self._seen.clear()
        self._seen.add(number)
