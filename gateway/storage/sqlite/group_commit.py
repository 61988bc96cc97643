"""Journal and outbox of one database, written together: arrivals, and what follows from those before, in one commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ridethrough.gateway.records import Arrival, Record
from ridethrough.gateway.storage.interfaces import OutboxWrite
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox, StoredEvents


class GroupCommit:
    """The only writer of a journal and its outbox while a gateway runs."""

    def __init__(self, store: Database) -> None:
        self.journal = Journal(store)
        self.outbox = SqliteOutbox(store)
        self._store = store

    async def commit(self, derived: OutboxWrite | None, arrivals: Sequence[Arrival]) -> list[Record]:
        """Write what follows from earlier records, if anything, and what arrived; returns the records of the latter.

        When this returns, all is on disk. Raises StoreError, with nothing of it kept.
        """
        append = self.journal.append_of(arrivals)
        if derived is None:
            records = await self._store.write(append) if arrivals else []
        else:
            store_events = self.outbox.write_of(derived)

            def work(connection: sqlite3.Connection) -> tuple[StoredEvents, list[Record]]:
                return store_events(connection), append(connection)

            stored, records = await self._store.write(work)
            self.outbox.extend_tail(stored)
        if records:
            self.journal.extend_tail(records)
        return records
