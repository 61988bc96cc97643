"""The audit: requests through the HTTP interface that changed something, or were refused."""

from __future__ import annotations

import sqlite3

import msgspec

from ridethrough.gateway.records import Audit, encode_json
from ridethrough.gateway.storage.sqlite.database import Database

MAX_ENTRIES = 100_000  # entries kept; the oldest go


class AuditLog:
    """Numbered entries. All methods raise StoreError."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def write(self, entry: Audit) -> None:
        """Keep an entry."""
        body = encode_json(entry)

        def work(connection: sqlite3.Connection) -> None:
            number = connection.execute("INSERT INTO audit (body) VALUES (?)", (body,)).lastrowid or 0
            connection.execute("DELETE FROM audit WHERE number <= ?", (number - MAX_ENTRIES,))

        await self._store.write(work)

    async def after(self, number: int, limit: int) -> list[tuple[int, Audit]]:
        """Up to `limit` entries behind the one so numbered, oldest first."""

        def work(connection: sqlite3.Connection) -> list[tuple[int, Audit]]:
            rows = connection.execute(
                "SELECT number, body FROM audit WHERE number > ? ORDER BY number LIMIT ?", (number, limit)
            )
            return [(at, msgspec.json.decode(body, type=Audit)) for at, body in rows]

        return await self._store.read(work)
