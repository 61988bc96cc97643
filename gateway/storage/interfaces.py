"""How far each destination has come, on disk: cursors, what was set aside, waits after failures, pauses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple, Protocol

from ridethrough.gateway.records import Event
from ridethrough.gateway.storage.sqlite.database import Store
from ridethrough.gateway.storage.sqlite.tables import event_at


class Queued(NamedTuple):
    """An event with its place in the outbox."""

    seq: int
    event: Event


class Retry(NamedTuple):
    """What a sink waits with: the event's place, attempts so far, Unix milliseconds of the next, and the reason."""

    seq: int
    attempt: int
    until_ms: int
    reason: str


class SetAside(NamedTuple):
    """An event that a sink will never take, and why."""

    seq: int
    event: Event
    reason: str


class Book(Protocol):
    """The entries of one destination. All methods raise StoreError."""

    async def cursor(self) -> int:
        """How far it has come."""

    async def begin(self, seq: int) -> None:
        """Let it begin behind `seq`, if it has not begun yet."""

    async def move(self, seq: int) -> None:
        """It is done with everything up to `seq`."""

    async def move_soon(self, seq: int) -> bool:
        """The same, with what is written next; lost if nothing is. Whether it is there already."""

    async def wait(self, retry: Retry) -> None:
        """It failed and will try again."""

    async def retry(self) -> Retry | None:
        """What it waits with since an earlier run."""

    async def set_aside(self, seq: int, reason: str) -> None:
        """It will never take the event at `seq`."""

    async def take_back(self, seq: int) -> None:
        """It has taken after all what was set aside."""

    async def aside(self, after: int = 0, limit: int = 1000) -> list[SetAside]:
        """What was set aside behind `after` and is still kept."""

    async def aside_count(self) -> int:
        """How many events were set aside."""

    async def pause(self, *, paused: bool) -> None:
        """Remember that it is paused, or no longer."""

    async def is_paused(self) -> bool:
        """Whether somebody paused it, in this run or an earlier one."""


class Events(Protocol):
    """Events in order, to be read. All methods raise StoreError."""

    async def after(self, seq: int, limit: int) -> list[Queued]:
        """Up to `limit` events behind `seq`."""

    async def seq_of(self, event_id: str) -> int | None:
        """Place of the event called `event_id`; None when there is none."""

    async def last_seq(self) -> int:
        """Place of the newest event, 0 when there is none."""

    async def behind(self, seq: int) -> int:
        """How many events stand behind `seq`."""

    def book(self, name: str) -> Book:
        """How far the destination called `name` has come."""

    def view(self) -> Events:
        """The same, for one more reader that goes on from where it was."""

    async def close(self) -> None:
        """This reader is done."""


class StoredBook:
    """Those in the database."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    async def cursor(self) -> int:
        """How far it has come."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT seq FROM cursors WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0]) if row else 0

        return await self._store.read(work)

    async def begin(self, seq: int) -> None:
        """Let it begin behind `seq`, if it has not begun yet."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO cursors VALUES (?, ?)", (self._name, seq))

        await self._store.write(work)

    async def move(self, seq: int) -> None:
        """It is done with everything up to `seq`."""
        await self._store.write(self._moving(seq))

    async def move_soon(self, seq: int) -> bool:
        """The same, with what is written next; lost if nothing is. False: it is not there yet."""
        self._store.ride(f"cursor {self._name}", self._moving(seq))
        return False

    def _moving(self, seq: int) -> Callable[[sqlite3.Connection], None]:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (sink) DO UPDATE SET seq = excluded.seq",
                (self._name, seq),
            )
            connection.execute("DELETE FROM retries WHERE sink = ? AND seq <= ?", (self._name, seq))

        return work

    async def wait(self, retry: Retry) -> None:
        """It failed and will try again."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO retries VALUES (?, ?, ?, ?, ?)", (self._name, *retry))

        await self._store.write(work)

    async def retry(self) -> Retry | None:
        """What it waits with since an earlier run."""

        def work(connection: sqlite3.Connection) -> Retry | None:
            row = connection.execute(
                "SELECT seq, attempt, until_ms, reason FROM retries WHERE sink = ?", (self._name,)
            ).fetchone()
            return Retry(*row) if row else None

        return await self._store.read(work)

    async def set_aside(self, seq: int, reason: str) -> None:
        """It will never take the event at `seq`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO poison VALUES (?, ?, ?)", (self._name, seq, reason))

        await self._store.write(work)

    async def take_back(self, seq: int) -> None:
        """It has taken after all what was set aside."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM poison WHERE sink = ? AND seq = ?", (self._name, seq))

        await self._store.write(work)

    async def aside(self, after: int = 0, limit: int = 1000) -> list[SetAside]:
        """What was set aside behind `after` and is still kept."""

        def work(connection: sqlite3.Connection) -> list[SetAside]:
            rows = connection.execute(
                "SELECT seq, reason FROM poison WHERE sink = ? AND seq > ? ORDER BY seq", (self._name, after)
            )
            kept = (
                SetAside(seq, event, reason) for seq, reason in rows if (event := event_at(connection, seq)) is not None
            )
            return list(islice(kept, limit))

        return await self._store.read(work)

    async def aside_count(self) -> int:
        """How many events were set aside."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT COUNT(*) FROM poison WHERE sink = ?", (self._name,)).fetchone()
            return int(row[0])

        return await self._store.read(work)

    async def pause(self, *, paused: bool) -> None:
        """Remember that it is paused, or no longer."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM paused WHERE sink = ?", (self._name,))
            if paused:
                connection.execute("INSERT INTO paused VALUES (?)", (self._name,))

        await self._store.write(work)

    async def is_paused(self) -> bool:
        """Whether somebody paused it, in this run or an earlier one."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("SELECT 1 FROM paused WHERE sink = ?", (self._name,)).fetchone() is not None

        return await self._store.read(work)
