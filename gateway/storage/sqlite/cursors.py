"""Cursors in the database: positions, dead letters, retries and pauses of destinations."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import islice

from ridethrough.gateway.storage.interfaces import DeadLetter, PendingRetry
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.tables import event_at


class StoredCursor:
    """Implements `Cursor`."""

    def __init__(self, store: Database, name: str) -> None:
        self._store = store
        self._name = name

    async def position(self) -> int:
        """The position up to which the destination is done; 0 before its first event."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT seq FROM cursors WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0]) if row else 0

        return await self._store.read(work)

    async def begin(self, seq: int) -> None:
        """Start behind `seq`, unless there is a position already."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO cursors VALUES (?, ?)", (self._name, seq))

        await self._store.write(work)

    async def advance(self, seq: int) -> None:
        """Store that everything up to `seq` is done; a retry up to there is past."""
        await self._store.write(self._moving(seq))

    async def advance_lazily(self, seq: int) -> bool:
        """Have `advance` done in the next transaction of anything else; returns False, as it is not on disk yet."""
        self._store.piggyback(f"cursor {self._name}", self._moving(seq))
        return False

    def _moving(self, seq: int) -> Callable[[sqlite3.Connection], None]:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (sink) DO UPDATE SET seq = excluded.seq",
                (self._name, seq),
            )
            connection.execute("DELETE FROM retries WHERE sink = ? AND seq <= ?", (self._name, seq))

        return work

    async def save_retry(self, retry: PendingRetry) -> None:
        """Store the wait for the next attempt, in place of the one before."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO retries VALUES (?, ?, ?, ?, ?)", (self._name, *retry))

        await self._store.write(work)

    async def retry(self) -> PendingRetry | None:
        """The wait that an earlier run stored and did not end."""

        def work(connection: sqlite3.Connection) -> PendingRetry | None:
            row = connection.execute(
                "SELECT seq, attempt, until_ms, reason FROM retries WHERE sink = ?", (self._name,)
            ).fetchone()
            return PendingRetry(*row) if row else None

        return await self._store.read(work)

    async def dead_letter(self, seq: int, reason: str) -> None:
        """Store that the event at `seq` will never be taken, in place of an earlier reason."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO poison VALUES (?, ?, ?)", (self._name, seq, reason))

        await self._store.write(work)

    async def requeue(self, seq: int) -> None:
        """Remove the dead letter at `seq`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM poison WHERE sink = ? AND seq = ?", (self._name, seq))

        await self._store.write(work)

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Up to `limit` dead letters behind `after`, without those whose events are gone."""

        def work(connection: sqlite3.Connection) -> list[DeadLetter]:
            rows = connection.execute(
                "SELECT seq, reason FROM poison WHERE sink = ? AND seq > ? ORDER BY seq", (self._name, after)
            )
            kept = (
                DeadLetter(seq, event, reason)
                for seq, reason in rows
                if (event := event_at(connection, seq)) is not None
            )
            return list(islice(kept, limit))

        return await self._store.read(work)

    async def dead_letter_count(self) -> int:
        """Number of dead letters, with those whose events are gone."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT COUNT(*) FROM poison WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0])

        return await self._store.read(work)

    async def pause(self, *, paused: bool) -> None:
        """Store that the destination is paused, or no longer."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM paused WHERE sink = ?", (self._name,))
            if paused:
                connection.execute("INSERT INTO paused VALUES (?)", (self._name,))

        await self._store.write(work)

    async def is_paused(self) -> bool:
        """True when the destination was paused, in this run or an earlier one."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("SELECT 1 FROM paused WHERE sink = ?", (self._name,)).fetchone() is not None

        return await self._store.read(work)
