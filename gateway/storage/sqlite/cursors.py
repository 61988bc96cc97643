"""How far each destination has come: positions, dead letters, retries and pauses in the database."""

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

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT seq FROM cursors WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0]) if row else 0

        return await self._store.read(work)

    async def begin(self, seq: int) -> None:

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO cursors VALUES (?, ?)", (self._name, seq))

        await self._store.write(work)

    async def advance(self, seq: int) -> None:
        await self._store.write(self._moving(seq))

    async def advance_lazily(self, seq: int) -> bool:
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

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO retries VALUES (?, ?, ?, ?, ?)", (self._name, *retry))

        await self._store.write(work)

    async def retry(self) -> PendingRetry | None:

        def work(connection: sqlite3.Connection) -> PendingRetry | None:
            row = connection.execute(
                "SELECT seq, attempt, until_ms, reason FROM retries WHERE sink = ?", (self._name,)
            ).fetchone()
            return PendingRetry(*row) if row else None

        return await self._store.read(work)

    async def dead_letter(self, seq: int, reason: str) -> None:

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO poison VALUES (?, ?, ?)", (self._name, seq, reason))

        await self._store.write(work)

    async def requeue(self, seq: int) -> None:

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM poison WHERE sink = ? AND seq = ?", (self._name, seq))

        await self._store.write(work)

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:

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

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT COUNT(*) FROM poison WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0])

        return await self._store.read(work)

    async def pause(self, *, paused: bool) -> None:

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM paused WHERE sink = ?", (self._name,))
            if paused:
                connection.execute("INSERT INTO paused VALUES (?)", (self._name,))

        await self._store.write(work)

    async def is_paused(self) -> bool:

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("SELECT 1 FROM paused WHERE sink = ?", (self._name,)).fetchone() is not None

        return await self._store.read(work)
