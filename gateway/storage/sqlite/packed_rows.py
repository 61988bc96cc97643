"""Items kept many to a row: what came together fills a page of the database file, and costs little more than one item.

A row is known by the number of its last item. Its checksum shows that it is what was written: SQLite's pages have none.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

import msgspec

T = TypeVar("T")

# A page of 4,096 octets holds one row of up to 4,061 (SQLite's file format, section 1.6); this is left for the items,
# beside the other columns. A longer item takes further pages.
PAGE_OCTETS = 4_030
ROWS_PER_STATEMENT = (64, 16, 4, 1)  # rows of one statement; a few sizes, as each is compiled and kept
COLUMNS = "last, items, mark, crc32, body"
ARRAY_16 = b"\xdc"  # of msgpack, with the number of items in two octets
_encode = msgspec.msgpack.Encoder().encode


class ChecksumError(sqlite3.DatabaseError):
    """A row that differs from what was written."""


class PackedRow(NamedTuple):
    """Items that are numbered up to `last` without a gap; `sort_key`, the column `mark`, is the largest of theirs."""

    last: int
    items: int
    sort_key: int
    crc32: int
    body: bytes

    @property
    def first(self) -> int:
        """The number of the first item."""
        return self.last - self.items + 1

    @property
    def sound(self) -> bool:
        """True when the row is as it was written."""
        return self.crc32 == _checksum(self.last, self.items, self.sort_key, self.body)


def pack(first: int, items: Sequence[Any], sort_keys: Sequence[int]) -> Iterator[PackedRow]:
    """Rows of items that are numbered from `first`, as full as a page allows; each item has a mark."""
    encoded = [_encode(item) for item in items]
    ends = list(accumulate(map(len, encoded)))
    start = 0
    while start < len(encoded):
        begun = ends[start] - len(encoded[start])
        stop = max(start + 1, bisect_right(ends, begun + PAGE_OCTETS, start))
        last, count, sort_key = first + stop - 1, stop - start, max(sort_keys[start:stop])
        body = b"".join((ARRAY_16, count.to_bytes(2, "big"), *encoded[start:stop]))
        yield PackedRow(last, count, sort_key, _checksum(last, count, sort_key, body), body)
        start = stop


def unpack(row: PackedRow, decoder: msgspec.msgpack.Decoder[list[T]]) -> list[T]:
    """The items of a row. Raises ChecksumError."""
    if not row.sound:
        raise ChecksumError(f"items {row.first} to {row.last} are not what was written")
    return decoder.decode(row.body)


def _checksum(last: int, count: int, sort_key: int, body: bytes) -> int:
    return crc32(body, crc32(b"%d %d %d" % (last, count, sort_key)))


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[PackedRow]) -> None:
    """Add rows to a table.

    A statement lets go of the interpreter's lock once, and waits for it again: with one for each row, a busy loop
    beside it would make every row wait.
    """
    waiting = list(rows)
    at = 0
    for size in ROWS_PER_STATEMENT:
        places = ", ".join(["(?, ?, ?, ?, ?)"] * size)
        query = f"INSERT INTO {table} ({COLUMNS}) VALUES {places}"  # noqa: S608
        while at + size <= len(waiting):
            connection.execute(query, list(chain.from_iterable(waiting[at : at + size])))
            at += size


def rows_after(connection: sqlite3.Connection, table: str, number: int) -> Iterator[PackedRow]:
    """Rows with items behind `number`, in order, read as they are asked for."""
    query = f"SELECT {COLUMNS} FROM {table} WHERE last > ? ORDER BY last"  # noqa: S608
    return map(PackedRow._make, connection.execute(query, (number,)))


def last_used(connection: sqlite3.Connection, table: str) -> int:
    """The last number that a table gave to an item, be it still there or not; 0 before the first."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(found[0]) if found else 0


def total(connection: sqlite3.Connection, table: str) -> int:
    """Number of items in a table."""
    return int(connection.execute(f"SELECT COALESCE(SUM(items), 0) FROM {table}").fetchone()[0])  # noqa: S608
