"""The database file behind journal and outbox, with one thread that writes it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.former_name import carry_over, journal_file
from ridethrough.gateway.storage.sqlite.repair import RepairReport, find_damage, interrupted, repair
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME, SCHEMA, known_form

T = TypeVar("T")
log = structlog.get_logger("gateway")

# Pages (of 4 KiB) in the write-ahead log before they go to the file: four times what SQLite does by itself, so that the
# pages at the ends of the tables, which every commit writes again, go there less often.
CHECKPOINT = 4000
# And after so many small commits: a checkpoint of what they write again and again is short then, as is the wait for it.
COMMITS = 128


def _explained(error: Exception, folder: Path | None) -> str:
    """The error in words; SQLite reports a folder without write permission as a file that it cannot open."""
    if folder is not None and folder.is_dir() and not os.access(folder, os.W_OK):
        return f"{folder} may not be written"
    return str(error)


class Database:
    """A SQLite file in write-ahead mode that syncs at every commit; in memory when no folder is given."""

    def __init__(self, folder: Path | None, thread: Executor | None = None) -> None:
        """`thread` does the work, in the order in which it is asked for. Raises StoreError."""
        self.durable = folder is not None
        self._path = folder / FILE_NAME if folder else None
        self.place = str(self._path) if self._path else ":memory:"
        self._piggybacked: dict[str, Callable[[sqlite3.Connection], object]] = {}
        self.repaired: RepairReport | None = None  # of a damaged file that was found here
        self._thread = thread or ThreadPoolExecutor(1, "ridethrough-store")
        self._commits = 0
        try:
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                self._thread.submit(self._adopt_former_journal, folder).result()
            self._connection = self._thread.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise StoreError(f"journal {self.place}: {_explained(error, folder)}") from error

    def _adopt_former_journal(self, folder: Path) -> None:
        """Rename a journal of the product's former name."""
        found = journal_file(folder)
        if found != self._path:
            self._repair_if_damaged(found)
            carry_over(found)
            log.info("journal of the product's former name carried over", found=str(found), place=self.place)

    def _repair_if_damaged(self, path: Path) -> None:
        if interrupted(path) or (path.exists() and find_damage(path)):
            self.repaired = repair(path)

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            self._repair_if_damaged(self._path)
        connection = sqlite3.connect(self.place, isolation_level=None, check_same_thread=False)
        try:
            new = not known_form(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            if new:
                connection.executescript(f"BEGIN; {SCHEMA} COMMIT")  # all of it, or nothing that would look foreign
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        except BaseException:
            connection.close()
            raise
        return connection

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction on the store's thread; when this returns, it is on disk.

        Raises StoreError, with nothing of `work` left, when the disk is full or broken.
        """
        riding, self._piggybacked = self._piggybacked, {}
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work, riding.values())

    def piggyback(self, name: str, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run `work` in the next transaction, if there is one; it replaces an earlier one of the same name."""
        self._piggybacked[name] = work

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the store's thread. Raises StoreError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            raise StoreError(f"journal {self.place}: {error}") from error

    def _transact(
        self, work: Callable[[sqlite3.Connection], T], riding: Iterable[Callable[[sqlite3.Connection], object]]
    ) -> T:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for before in riding:
                before(self._connection)
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(f"journal {self.place}: {error}") from error
            raise
        self._commits += 1
        if self._commits % COMMITS == 0:  # behind this commit, whose result is not to wait for it
            self._thread.submit(self._checkpoint)
        return result

    def _checkpoint(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:  # it stays in the log; what is wrong shows at the next commit
            log.warning("journal not checkpointed", place=self.place, reason=str(error))

    async def reopen(self) -> RepairReport | None:
        """Open the file anew; returns a report when it was damaged. Raises StoreError."""

        def work() -> RepairReport | None:
            self.repaired = None
            if self._path is None:
                return None  # there is nothing to be found again
            self._connection.close()
            try:
                self._connection = self._open()
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"journal {self.place}: {error}") from error
            return self.repaired

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()
