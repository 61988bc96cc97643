"""Commands on disk: what was asked for, by whom, and what became of it."""

from __future__ import annotations

import sqlite3

import msgspec

from ridethrough.gateway.records import Command, encode_json
from ridethrough.gateway.storage.sqlite.database import Database


class CommandLog:
    """All methods raise StoreError."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def add(self, command: Command) -> Command | None:
        """Store a new command; the one that already has its idempotency key, if there is one."""

        def work(connection: sqlite3.Connection) -> Command | None:
            if command.idempotency_key:
                row = connection.execute(
                    "SELECT body FROM commands WHERE idempotency_key = ?", (command.idempotency_key,)
                ).fetchone()
                if row:
                    return msgspec.json.decode(row[0], type=Command)
            connection.execute(
                "INSERT INTO commands (id, idempotency_key, body, created_ms) VALUES (?, ?, ?, ?)",
                (command.id, command.idempotency_key, encode_json(command), command.created_ms),
            )
            return None

        return await self._store.write(work)

    async def save(self, command: Command) -> None:
        """Keep the command as it stands now."""
        body = encode_json(command)
        await self._store.write(
            lambda connection: connection.execute("UPDATE commands SET body = ? WHERE id = ?", (body, command.id))
        )

    async def get(self, command_id: str) -> Command | None:
        """The command; None when there is none."""

        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT body FROM commands WHERE id = ?", (command_id,)).fetchone()
            return row[0] if row else None

        body = await self._store.read(work)
        return None if body is None else msgspec.json.decode(body, type=Command)

    async def of(self, device: str, after: str, limit: int) -> list[Command]:
        """Commands of a device in the order in which they came, behind the one called `after`."""

        def work(connection: sqlite3.Connection) -> list[Command]:
            rows = connection.execute(
                "SELECT body FROM commands WHERE json_extract(body, '$.device') = ?"
                " AND rowid > COALESCE((SELECT rowid FROM commands WHERE id = ?), 0) ORDER BY rowid LIMIT ?",
                (device, after, limit),
            )
            return [msgspec.json.decode(body, type=Command) for (body,) in rows]

        return await self._store.read(work)

    async def open(self) -> list[Command]:
        """Commands that have not ended."""

        def work(connection: sqlite3.Connection) -> list[Command]:
            rows = connection.execute(
                "SELECT body FROM commands WHERE json_extract(body, '$.state') IN ('pending', 'running') ORDER BY rowid"
            )
            return [msgspec.json.decode(body, type=Command) for (body,) in rows]

        return await self._store.read(work)
