"""Items many to a row: nothing is lost between them, and a row that changed is told from one that did not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridethrough.gateway.records import Arrival, Event, RecordKind, event_id, event_place
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.gateway.storage.sqlite.packed_rows import PAGE_OCTETS, ChecksumError, pack, unpack
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.rigs.clock import run

BODIES = msgspec.msgpack.Decoder(list[bytes])
sizes = st.one_of(
    st.integers(0, 300),
    st.sampled_from([PAGE_OCTETS - 4, PAGE_OCTETS - 3, PAGE_OCTETS - 2, PAGE_OCTETS, 3 * PAGE_OCTETS]),
)


@given(st.integers(1, 1 << 40), st.lists(st.tuples(sizes, st.integers(0, 1 << 40)), max_size=120))
def test_rows_hold_what_was_put_in(first: int, found: list[tuple[int, int]]) -> None:
    items, marks = [bytes((n % 256,)) * size for n, (size, _) in enumerate(found)], [mark for _, mark in found]
    rows = list(pack(first, items, marks))
    assert [item for row in rows for item in unpack(row, BODIES)] == items
    at = first
    for row in rows:
        assert row.first == at
        assert row.sort_key == max(marks[at - first : row.last + 1 - first])
        assert row.items == 1 or len(row.body) <= PAGE_OCTETS + 3
        at = row.last + 1
    for row, following in pairwise(rows):  # as full as can be
        assert len(row.body) + len(BODIES.decode(following.body)[0]) + 2 > PAGE_OCTETS


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=9), st.data())
def test_a_row_that_changed_is_not_read(items: list[bytes], data: st.DataObject) -> None:
    (row,) = pack(7, items, range(len(items)))
    at = data.draw(st.integers(0, len(row.body) - 1))
    body = bytearray(row.body)
    body[at] ^= data.draw(st.integers(1, 255))
    changed = data.draw(
        st.sampled_from(
            [
                row._replace(body=bytes(body)),
                row._replace(items=row.items + 1),
                row._replace(last=row.last + 1),
                row._replace(sort_key=row.sort_key + 1),
                row._replace(crc32=row.crc32 ^ 1),
            ]
        )
    )
    with pytest.raises(ChecksumError, match="not what was written"):
        unpack(changed, BODIES)


def test_a_full_row_takes_one_page_of_the_file(tmp_path: Path) -> None:
    """Else a page that is spoilt would cost more than its own records."""

    async def body() -> None:
        store = Database(tmp_path)
        for size in (20, 103, 400, 1400):
            await Journal(store).append(
                [Arrival(1 << 41, RecordKind.DATAGRAM, bytes(size), "[::1]:162", "::1", 9)] * 500
            )
        store.close()

    run(body(), 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        (rows,) = database.execute("SELECT COUNT(*) FROM journal").fetchone()
        try:
            pages = database.execute(
                "SELECT pagetype, COUNT(*) FROM dbstat WHERE name = 'journal' GROUP BY 1"
            ).fetchall()
        except sqlite3.OperationalError:  # SQLite was built without it
            pages = [("leaf", database.execute("PRAGMA page_count").fetchone()[0])]
    counts = dict(pages)
    assert "overflow" not in counts
    assert rows <= counts["leaf"] < 1.1 * rows + 40


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.integers(0, 900), min_size=1, max_size=30), min_size=1, max_size=4),
    st.integers(0, 130),
    st.integers(1, 130),
)
def test_reading_begins_and_ends_anywhere(groups: list[list[int]], after: int, limit: int) -> None:
    async def body() -> None:
        store = Database(None)
        journal, outbox = Journal(store), SqliteOutbox(store)
        records, events = [], []
        for group in groups:
            await journal.after(0, 1)  # somebody reads on, so what is written next is kept
            found = await journal.append([Arrival(n, RecordKind.DATAGRAM, bytes(n)) for n in group])
            told = [
                Event(f"{record.position}-{index}", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {})
                for record in found
                for index in range(record.position % 3)
            ]
            await outbox.add(told, found[-1].position, b"")
            records += found
            events += told
        # What has grown is known without a look at the disk, and is the same there.
        for one in (journal, Journal(store)):
            assert await one.after(after, limit) == records[after : after + limit]
        queued = await outbox.after(after, limit)
        assert [item.event for item in queued] == events[after : after + limit]
        assert [item.seq for item in queued] == list(range(after + 1, after + 1 + len(queued)))
        for seq, event in enumerate(events, start=1):
            assert await outbox.seq_of(event.id) == seq
        assert await outbox.seq_of(f"{len(records) + 1}-0") is None
        assert await outbox.seq_of("1-9") is None
        store.close()

    run(body(), 1)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"\A[0-9]{1,25}-[0-9]{1,25}\Z")))
def test_any_text_names_an_event_or_none(text: str) -> None:
    async def body() -> int | None:
        store = Database(None)
        await SqliteOutbox(store).add([Event("7-0", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {})], 7, b"")
        try:
            return await SqliteOutbox(store).seq_of(text)
        finally:
            store.close()

    assert run(body(), 1) == (1 if text == "7-0" else None)
    place = event_place(text)
    assert place is None or event_id(*place) == text


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("CREATE TABLE journal (position INTEGER PRIMARY KEY, data BLOB NOT NULL)")
    with pytest.raises(StoreError, match=r"another version of Ridethrough .*export the records"):
        Database(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        assert [row[0] for row in database.execute("SELECT name FROM sqlite_schema")] == ["journal"]  # as it was
