"""The journal in SQLite, with group commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ridethrough.gateway.records import Arrival, Record
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.packed_rows import last_used, total
from ridethrough.gateway.storage.sqlite.tables import JOURNAL, put_records, records
from ridethrough.gateway.storage.tail import Newest


class Journal:
    """Appends and reads back. Positions grow by one and are never used twice."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._newest: Newest[Record] = Newest()

    async def append(self, arrivals: Sequence[Arrival]) -> list[Record]:
        """Write a group in one commit. When this returns, it is on disk."""
        records = await self._store.write(self.appending(arrivals))
        self.grown(records)
        return records

    def grown(self, records: list[Record]) -> None:
        """These are on disk, behind what was there."""
        if records:
            octets = sum([len(record.arrival.data) for record in records])
            self._newest.grown(records[0].position, records, octets)

    def appending(self, arrivals: Sequence[Arrival]) -> Callable[[sqlite3.Connection], list[Record]]:
        """The same as a part of a transaction."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            if not arrivals:
                return []
            first = last_used(connection, JOURNAL) + 1
            put_records(connection, first, arrivals)
            return [Record(position, item) for position, item in enumerate(arrivals, start=first)]

        return work

    async def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records behind `position`, in order."""
        newest = self._newest.after(position, limit)
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
