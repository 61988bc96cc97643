"""Storms: a source that sends faster than anybody can use. The journal keeps it all; what is told is a summary.

A source may send `burst` at once and `per_s` after that (the generic cell rate algorithm of ITU-T I.371), by the times
of the journal, so that a replay holds back the same records.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

SETTLED_MS = 10_000  # without anything held back, after which a storm is over
US = 1000  # microseconds in a millisecond
# Verdicts; numbers, because this is asked for every datagram.
PASSES: Final = 0
HOLDS: Final = 1
BEGINS: Final = 2


class StormPolicy(NamedTuple):
    """What a source may send."""

    per_s: float
    burst: int


class Storm(msgspec.Struct):
    """One that goes on. Positions are those of the first and the last record held back."""

    subject: str
    event_id: str
    since_ms: int
    held: int
    first: int
    last: int
    last_ms: int


class StormState(msgspec.Struct):
    """`due_us` is when each source has used up what it sent so far; those that have are left out."""

    due_us: dict[str, int] = {}
    storms: dict[str, Storm] = {}


class Storms:
    """Decides for each datagram. `policy` of None lets everything pass."""

    def __init__(self, policy: StormPolicy | None, state: StormState) -> None:
        self._due_us, self._storms = state.due_us, state.storms
        self._step_us = 0 if policy is None else max(1, round(1_000_000 / policy.per_s))
        self._burst_us = 0 if policy is None else self._step_us * (policy.burst - 1)

    def judge(self, source: str, position: int, at_ms: int) -> int:
        """Whether the record at `position`, a datagram of `source`, is worked off, or only kept and noted as held back.

        `BEGINS` is for one that is to be kept and whose source has no storm yet: `begin` then makes it.
        """
        if not self._step_us:
            return PASSES
        now_us = at_ms * US
        due = self._due_us.get(source, now_us)
        if due < now_us or due > now_us + self._burst_us + self._step_us:  # all used up, or the clock was set back
            due = now_us
        if due - now_us <= self._burst_us:
            self._due_us[source] = due + self._step_us
            return PASSES
        storm = self._storms.get(source)
        if storm is None:
            return BEGINS
        storm.held += 1
        storm.last = position
        storm.last_ms = at_ms
        return HOLDS

    def hold(self, source: str, count: int, position: int) -> None:
        """So many more were held back at the instant of the last, up to `position`."""
        storm = self._storms[source]
        storm.held += count
        storm.last = position

    def begin(self, source: str, subject: str, event_id: str, position: int, at_ms: int) -> None:
        """The storm that its first record held back begins."""
        self._storms[source] = Storm(subject, event_id, at_ms, 1, position, position, at_ms)

    def forget(self, at_ms: int) -> None:
        """Drop what a fresh start would know as well: sources that have used up what they sent."""
        now_us = at_ms * US
        due = self._due_us
        for source in [source for source, used_us in due.items() if used_us <= now_us]:
            del due[source]

    def deadline_ms(self) -> int | None:
        """When the next storm may be over."""
        return min((storm.last_ms + SETTLED_MS for storm in self._storms.values()), default=None)

    def over(self, at_ms: int) -> list[tuple[str, Storm]]:
        """Storms that are over, with their sources, and are forgotten here."""
        ended = [item for item in self._storms.items() if item[1].last_ms + SETTLED_MS <= at_ms]
        for source, _ in ended:
            del self._storms[source]
        return sorted(ended)
