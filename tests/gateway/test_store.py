from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ridethrough.gateway.records import Arrival, Event, RecordKind
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import DeadLetter
from ridethrough.gateway.storage.sqlite.database import COMMITS, Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.gateway.storage.sqlite.packed_rows import total
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.gateway.storage.sqlite.tables import JOURNAL
from ridethrough.rigs.clock import run


def arrivals(count: int) -> list[Arrival]:
    return [Arrival(n, RecordKind.DATAGRAM, bytes((n % 256,)), "l", "s", n) for n in range(count)]


def event(number: int) -> Event:
    return Event(f"{number}-0", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"n": number})


def test_positions_go_on_after_a_restart(tmp_path: Path) -> None:
    async def first() -> None:
        store = Database(tmp_path)
        journal = Journal(store)
        assert [record.position for record in await journal.append(arrivals(3))] == [1, 2, 3]
        assert [record.position for record in await journal.append(arrivals(2))] == [4, 5]
        store.close()

    async def second() -> None:
        store = Database(tmp_path)
        journal = Journal(store)
        (record,) = await journal.append(arrivals(1))
        assert record.position == 6
        read = await journal.after(2, 3)
        assert [item.position for item in read] == [3, 4, 5]
        assert read[0].arrival == arrivals(3)[2]
        assert await journal.extent() == (6, 6)
        store.close()

    run(first(), 1)
    run(second(), 1)


def test_events_position_and_memory_are_one_commit(tmp_path: Path) -> None:
    async def first() -> None:
        store = Database(tmp_path)
        outbox = SqliteOutbox(store)
        assert await outbox.resume() == (0, b"")
        await outbox.add([event(1), event(2)], 2, b"memory")
        await outbox.add([event(2)], 2, b"memory")  # said again after a crash: not twice
        store.close()

    async def second() -> None:
        store = Database(tmp_path)
        outbox = SqliteOutbox(store)
        assert await outbox.resume() == (2, b"memory")
        assert [queued.event for queued in await outbox.after(0, 10)] == [event(1), event(2)]
        assert await outbox.seq_of("2-0") == 2
        assert await outbox.seq_of("9-9") is None
        cursor = outbox.cursor("sink")
        await cursor.advance(1)
        await cursor.dead_letter(2, "HTTP 400")
        await cursor.advance(2)
        assert (await cursor.position(), await cursor.dead_letter_count()) == (2, 1)
        assert await cursor.dead_letters() == [DeadLetter(2, event(2), "HTTP 400")]
        store.close()

    run(first(), 1)
    run(second(), 1)


def test_the_journal_is_synchronous_on_disk(tmp_path: Path) -> None:
    store = Database(tmp_path)

    async def modes() -> tuple[str, int]:
        return await store.read(
            lambda connection: (
                connection.execute("PRAGMA journal_mode").fetchone()[0],
                connection.execute("PRAGMA synchronous").fetchone()[0],
            )
        )

    assert run(modes(), 1) == ("wal", 2)
    store.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        store = Database(tmp_path)

        def work(connection: object) -> None:
            connection.execute("INSERT INTO cursors VALUES ('x', 1)")  # type: ignore[attr-defined]
            raise RuntimeError("halfway")

        with pytest.raises(RuntimeError, match="halfway"):
            await store.write(work)
        assert await SqliteOutbox(store).cursor("x").position() == 0
        store.close()

    run(body(), 1)


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match=f"journal {blocked}"):
        Database(blocked / "folder")


def test_what_rides_is_written_with_what_comes_next(tmp_path: Path) -> None:
    async def body() -> None:
        store = Database(tmp_path)
        cursor = SqliteOutbox(store).cursor("nms")
        await cursor.advance_lazily(3)
        await cursor.advance_lazily(5)
        assert await cursor.position() == 0  # nothing was written yet
        await SqliteOutbox(store).cursor("other").advance(1)
        assert await cursor.position() == 5
        await cursor.advance_lazily(7)
        await cursor.advance(2)  # told again from there: what rode before does not come behind it
        await SqliteOutbox(store).cursor("other").advance(2)
        assert await cursor.position() == 2
        store.close()

    run(body(), 1)


def test_what_was_committed_goes_to_the_file_after_so_many_commits(tmp_path: Path) -> None:
    def in_the_file() -> int:
        """Records there without the write-ahead log."""
        copy = tmp_path / "alone.sqlite"
        copy.write_bytes((tmp_path / FILE_NAME).read_bytes())
        with closing(sqlite3.connect(copy)) as connection:
            tables = connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'journal'").fetchone()[0]
            return total(connection, JOURNAL) if tables else 0

    async def body() -> None:
        store = Database(tmp_path)
        journal = Journal(store)
        for _ in range(COMMITS - 1):
            await journal.append(arrivals(2))
        await store.read(lambda _connection: None)  # the store's thread has done what it was asked
        assert in_the_file() == 0
        await journal.append(arrivals(2))
        await store.read(lambda _connection: None)
        assert in_the_file() == 2 * COMMITS
        store.close()

    run(body(), 1)


def test_a_checkpoint_that_fails_takes_nothing_away(tmp_path: Path) -> None:
    async def body() -> None:
        store = Database(tmp_path)
        journal = Journal(store)
        with capture_logs() as said:
            await store.read(lambda connection: connection.set_authorizer(deny_checkpoints))
            for _ in range(COMMITS):
                await journal.append(arrivals(1))
            await store.read(lambda connection: connection.set_authorizer(None))
        assert [entry["event"] for entry in said] == ["journal not checkpointed"]
        assert await journal.extent() == (COMMITS, COMMITS)
        store.close()

    def deny_checkpoints(action: int, name: str | None, *_rest: str | None) -> int:
        return sqlite3.SQLITE_DENY if (action, name) == (sqlite3.SQLITE_PRAGMA, "wal_checkpoint") else sqlite3.SQLITE_OK

    run(body(), 1)
