"""The journal in SQLite, with group commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from gateway.records import Arrival, Record
from gateway.rows import last_used, total
from gateway.store import Store
from gateway.tables import JOURNAL, put_records, records

NEWEST = 4096  # records, as they are
NEWEST_OCTETS = 1 << 20  # and of what they hold


class Journal:
    """Appends and reads back. Positions grow by one and are never used twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: list[Record] = []  # without a gap up to the end, for those who read on as it grows
        self._octets = 0  # of these
        self._read_on = False  # whether anybody has asked since it grew

    async def append(self, arrivals: Sequence[Arrival]) -> list[Record]:
        """Write a group in one commit. When this returns, it is on disk."""
        records = await self._store.write(self.appending(arrivals))
        self.grown(records)
        return records

    def grown(self, records: list[Record]) -> None:
        """These are on disk, behind what was there."""
        if not self._read_on:
            self._newest, self._octets = [], 0  # nobody follows
            return
        self._read_on = False
        octets = sum([len(record.arrival.data) for record in records])
        gap = self._newest and records and self._newest[-1].position + 1 != records[0].position  # after damage
        if gap or len(self._newest) + len(records) > NEWEST or self._octets + octets > NEWEST_OCTETS:
            self._newest, self._octets = [], 0
        if octets <= NEWEST_OCTETS:
            self._newest += records
            self._octets += octets

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
        self._read_on = True
        if self._newest:
            start = position + 1 - self._newest[0].position
            if 0 <= start <= len(self._newest):
                return self._newest[start : start + limit]

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
