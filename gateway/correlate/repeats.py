"""Limits repeated events: the first is emitted, the next are counted, and a later one carries their count."""

from __future__ import annotations

import msgspec

QUIET_MS = 600_000  # between two events of the same key
MAX_KEYS = 1000  # keys remembered; beyond them all share one


class Repeat(msgspec.Struct):
    """Repetitions suppressed until `until_ms`, and how many there were so far."""

    until_ms: int
    more: int = 0


class RepeatLimiter:
    """Decides by key. `known` is the state; the correlator keeps it."""

    def __init__(self, known: dict[str, Repeat]) -> None:
        self._known = known

    def admit(self, key: str, at_ms: int) -> int | None:
        """Decide on one more event of `key`: None suppresses it, a number emits it.

        The number is how many were suppressed since the last one that was emitted.
        """
        repeat = self._known.get(key)
        if repeat is None and len(self._known) >= MAX_KEYS:
            self._forget(at_ms)
            if len(self._known) >= MAX_KEYS:
                key = ""
                repeat = self._known.get(key)
        # A clock set back must not silence anything for longer than it would have been.
        if repeat is not None and at_ms < repeat.until_ms <= at_ms + QUIET_MS:
            repeat.more += 1
            return None
        self._known[key] = Repeat(at_ms + QUIET_MS)
        return repeat.more if repeat is not None else 0

    def _forget(self, at_ms: int) -> None:
        for key in [key for key, repeat in self._known.items() if repeat.until_ms <= at_ms and not repeat.more]:
            del self._known[key]
