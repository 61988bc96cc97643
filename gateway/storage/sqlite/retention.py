"""Removal of old records and events, by age and by size, but of nothing that a destination still has to read.

Items of one row (`packed_rows`) go together, when no destination needs any of them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.packed_rows import rows_after
from ridethrough.gateway.storage.sqlite.schema import PROCESSED
from ridethrough.gateway.storage.sqlite.tables import JOURNAL, events, name_of, position_of

log = structlog.get_logger("retention")

EVERY_S = 600.0

CHUNK = 1_000  # rows removed in one transaction, so that writers wait for milliseconds
DAY_MS = 86_400_000
MIB = 1 << 20
NEVER = -1


class RetentionLimits(NamedTuple):
    """The age and the size above which records go; None is without limit."""

    days: float | None = None
    mib: float | None = None


class SweepResult(NamedTuple):
    """Numbers of what a sweep removed, and octets in use after it.

    `more` may be removed at once; `waiting` is what should go and is kept for a destination that has not taken it.
    """

    records: int
    events: int
    octets: int
    more: bool
    waiting: bool


class Retention:
    """Removes what is older or more than `limits` allow, but nothing that a named cursor has not passed yet."""

    def __init__(
        self, store: Database, limits: RetentionLimits, journal_cursors: Sequence[str], event_cursors: Sequence[str]
    ) -> None:
        self._store = store
        self._limits = limits
        self._journal_cursors = journal_cursors
        self._event_cursors = event_cursors
        self.waiting = False  # whether what should go is kept for a destination

    def track(self, journal_cursors: Sequence[str], event_cursors: Sequence[str]) -> None:
        """Wait for these cursors from now on."""
        self._journal_cursors = journal_cursors
        self._event_cursors = event_cursors

    async def run(self, now_ms: Callable[[], int]) -> None:
        """Sweep for ever. Trouble of the database is logged, and tried again."""
        while True:
            try:
                swept = await self.sweep(now_ms())
            except StoreError as error:
                log.error("cannot remove old records", reason=str(error))  # noqa: TRY400
            else:
                self.waiting = swept.waiting
                if swept.more:
                    continue
            await asyncio.sleep(EVERY_S)

    async def sweep(self, now_ms: int) -> SweepResult:
        """Remove a part of what need not be kept, records with the events that came from them. Raises StoreError."""
        return await self._store.write(lambda connection: self._sweep(connection, now_ms))

    def _sweep(self, connection: sqlite3.Connection, now_ms: int) -> SweepResult:
        days = self._limits.days
        oldest_ms = NEVER if days is None else now_ms - round(days * DAY_MS)
        free_to = self._passed(connection)
        # Only the first rows are looked at, as there is no index of times; what came later is seldom older.
        records = connection.execute(
            "DELETE FROM journal WHERE last <= ? AND (mark < ? OR ?)"
            " AND last IN (SELECT last FROM journal ORDER BY last LIMIT ?) RETURNING items",
            (free_to, oldest_ms, self._too_big(connection), CHUNK),
        ).fetchall()
        first = next(rows_after(connection, JOURNAL, 0), None)
        kept_from = free_to + 1 if first is None else min(first.first, free_to + 1)
        removed_events = connection.execute(
            "DELETE FROM events WHERE last IN (SELECT last FROM events ORDER BY last LIMIT ?) AND mark < ?"
            " RETURNING items",
            (CHUNK, kept_from),
        ).fetchall()
        more = max(len(records), len(removed_events)) >= CHUNK or (len(records) > 0 and self._too_big(connection))
        old = first is not None and first.sort_key < oldest_ms
        waiting = not more and (old or self._too_big(connection))
        return SweepResult(_sum(records), _sum(removed_events), _octets_in_use(connection), more, waiting)

    def _passed(self, connection: sqlite3.Connection) -> int:
        """The journal's position up to which all cursors are past."""
        cursors = dict(connection.execute("SELECT sink, seq FROM cursors"))
        row = connection.execute("SELECT value FROM state WHERE name = ?", (PROCESSED,)).fetchone()
        passed = min([int(row[0]) if row else 0, *(cursors.get(name, 0) for name in self._journal_cursors)])
        if self._event_cursors:
            taken = min(cursors.get(name, 0) for name in self._event_cursors)
            untaken = next(events(connection, taken), None)
            passed = passed if untaken is None else min(passed, position_of(name_of(untaken[1])) - 1)
        return int(passed)

    def _too_big(self, connection: sqlite3.Connection) -> bool:
        return self._limits.mib is not None and _octets_in_use(connection) > self._limits.mib * MIB


def _sum(found: list[tuple[int]]) -> int:
    return sum(items for (items,) in found)


def _octets_in_use(connection: sqlite3.Connection) -> int:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size
