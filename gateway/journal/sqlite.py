"""The journal in SQLite, with group commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from gateway.records import Arrival, Record, RecordKind
from gateway.store import Store, insert, last_used

COLUMNS = 7


class Journal:
    """Appends and reads back. Positions grow by one and are never used twice."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, arrivals: Sequence[Arrival]) -> list[Record]:
        """Write a group in one commit. When this returns, it is on disk."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            first = last_used(connection, "journal") + 1
            values: list[Any] = []
            for position, item in enumerate(arrivals, start=first):
                values += (position, item.at_ms, item.kind.value, item.listener, item.source, item.port, item.data)
            insert(connection, "INSERT INTO journal", COLUMNS, values)
            return [Record(position, item) for position, item in enumerate(arrivals, start=first)]

        return await self._store.write(work)

    async def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records behind `position`, in order."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            rows = connection.execute(
                "SELECT position, at_ms, kind, listener, source, port, data FROM journal"
                " WHERE position > ? ORDER BY position LIMIT ?",
                (position, limit),
            )
            return [Record(row[0], Arrival(row[1], RecordKind(row[2]), row[6], row[3], row[4], row[5])) for row in rows]

        return await self._store.read(work)

    async def extent(self) -> tuple[int, int]:
        """Number of records and the last position."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            (count,) = connection.execute("SELECT COUNT(*) FROM journal").fetchone()
            return int(count), last_used(connection, "journal")

        return await self._store.read(work)
