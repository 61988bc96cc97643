"""Storms: a source that sends faster than its datagrams can be used. The journal has them all, events are a summary.

A source may send `burst` at once and `per_s` after that (the generic cell rate algorithm of ITU-T I.371), by the times
of the journal, so that a replay suppresses the same records.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

SETTLED_MS = 10_000  # without a suppressed record, after which a storm is over
US = 1000  # microseconds in a millisecond


class StormPolicy(NamedTuple):
    """The rate of datagrams of one source that is still admitted."""

    per_s: float
    burst: int


class Storm(msgspec.Struct):
    """A storm that goes on. Positions are those of the first and the last suppressed record."""

    subject: str
    event_id: str
    since_ms: int
    held: int
    first: int
    last: int
    last_ms: int


class StormState(msgspec.Struct):
    """State of all sources. `due_us` is when each has used up what it sent so far; those that have are left out."""

    due_us: dict[str, int] = {}
    storms: dict[str, Storm] = {}


class Storms:
    """Measures each source against `policy`; with None all datagrams are admitted."""

    def __init__(self, policy: StormPolicy | None, state: StormState) -> None:
        self._due_us, self._storms = state.due_us, state.storms
        self._step_us = 0 if policy is None else max(1, round(1_000_000 / policy.per_s))
        self._burst_us = 0 if policy is None else self._step_us * (policy.burst - 1)

    def within_rate(self, source: str, at_ms: int) -> bool:
        """Count a datagram of `source`; False when it exceeds the rate, and then it is not counted."""
        if not self._step_us:
            return True
        now_us = at_ms * US
        due = self._due_us.get(source, now_us)
        if due < now_us or due > now_us + self._burst_us + self._step_us:  # all used up, or the clock was set back
            due = now_us
        if due - now_us <= self._burst_us:
            self._due_us[source] = due + self._step_us
            return True
        return False

    def suppress(self, source: str, count: int, position: int, at_ms: int) -> bool:
        """Add `count` records up to `position`, all of one instant, to the storm of `source`; False if it has none."""
        storm = self._storms.get(source)
        if storm is None:
            return False
        storm.held += count
        storm.last = position
        storm.last_ms = at_ms
        return True

    def begin(self, source: str, subject: str, event_id: str, position: int, at_ms: int) -> None:
        """Begin a storm with its first suppressed record; `event_id` is the event that announces it."""
        self._storms[source] = Storm(subject, event_id, at_ms, 1, position, position, at_ms)

    def forget(self, at_ms: int) -> None:
        """Forget sources that have used up what they sent: they count like new ones."""
        now_us = at_ms * US
        due = self._due_us
        for source in [source for source, used_us in due.items() if used_us <= now_us]:
            del due[source]

    def deadline_ms(self) -> int | None:
        """Unix time at which the next storm may be over; None when there is none."""
        return min((storm.last_ms + SETTLED_MS for storm in self._storms.values()), default=None)

    def over(self, at_ms: int) -> list[tuple[str, Storm]]:
        """Remove and return the storms that are over, with their sources."""
        ended = [item for item in self._storms.items() if item[1].last_ms + SETTLED_MS <= at_ms]
        for source, _ in ended:
            del self._storms[source]
        return sorted(ended)
