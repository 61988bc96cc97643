"""The journal in SQLite, with group commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ridethrough.gateway.records import Arrival, Record
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.packed_rows import last_used, total
from ridethrough.gateway.storage.sqlite.tables import JOURNAL, put_records, records
from ridethrough.gateway.storage.tail import TailCache


class Journal:
    """Appends and reads back. Positions grow by one and are never used twice."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._tail: TailCache[Record] = TailCache()

    async def append(self, arrivals: Sequence[Arrival]) -> list[Record]:
        """Write a group in one commit. When this returns, it is on disk."""
        records = await self._store.write(self.append_of(arrivals))
        self.extend_tail(records)
        return records

    def extend_tail(self, records: list[Record]) -> None:
        """Keep in memory what a transaction has written, for readers at the end. Called after its commit."""
        if records:
            octets = sum([len(record.arrival.data) for record in records])
            self._tail.extend(records[0].position, records, octets)

    def append_of(self, arrivals: Sequence[Arrival]) -> Callable[[sqlite3.Connection], list[Record]]:
        """Like `append`, but as a function to run inside the caller's transaction; its result goes to `extend_tail`."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            if not arrivals:
                return []
            first = last_used(connection, JOURNAL) + 1
            put_records(connection, first, arrivals)
            return [Record(position, item) for position, item in enumerate(arrivals, start=first)]

        return work

    async def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records behind `position`, in order."""
        newest = self._tail.after(position, limit)
        if newest is not None:
            return newest

        def work(connection: sqlite3.Connection) -> list[Record]:
            found: list[Record] = []
            for some in records(connection, position):
                found += some
                if len(found) >= limit:
                    break
            return found[:limit]

        return await self._store.read(work)

    async def extent(self) -> tuple[int, int]:
        """Number of records and the last position."""
        return await self._store.read(lambda connection: (total(connection, JOURNAL), last_used(connection, JOURNAL)))
