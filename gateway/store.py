"""The database file behind journal and outbox, with one thread that writes it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, listener TEXT NOT NULL,
    source TEXT NOT NULL, port INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (sink TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS poison (sink TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (sink, seq));
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS engines (
    engine_id BLOB PRIMARY KEY, boots INTEGER NOT NULL, time_s INTEGER NOT NULL, at_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, idempotency_key TEXT, body BLOB NOT NULL, created_ms INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS commands_key ON commands (idempotency_key) WHERE idempotency_key != '';
"""
FILE_NAME = "standin.sqlite"


def last_used(connection: sqlite3.Connection, table: str) -> int:
    """The last number that a table gave to a row, be the row still there or not; 0 before the first."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row[0]) if row else 0


class StoreError(OSError):
    """The database cannot be opened, read or written. One line that says where and why."""


class Store:
    """A SQLite file in write-ahead mode that syncs at every commit; in memory when no folder is given."""

    def __init__(self, folder: Path | None) -> None:
        """Raises StoreError."""
        self.durable = folder is not None
        self.place = str(folder / FILE_NAME) if folder else ":memory:"
        self._thread = ThreadPoolExecutor(1, "standin-store")
        try:
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
            self._connection = self._thread.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise StoreError(f"journal {self.place}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.place, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(SCHEMA)
        return connection

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction on the store's thread; when this returns, it is on disk.

        Raises StoreError, with nothing of `work` left, when the disk is full or broken.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the store's thread. Raises StoreError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            raise StoreError(f"journal {self.place}: {error}") from error

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(f"journal {self.place}: {error}") from error
            raise
        return result

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()
