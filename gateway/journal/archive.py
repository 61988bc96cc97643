"""The journal as a file of JSON lines: to be kept, moved, looked at, and read in again.

A line has `position`, `at_ms`, `kind`, `listener`, `source`, `port` and `data` in base64. A name that ends in `.gz` is
compressed.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from gateway.records import Arrival, Record, RecordKind
from gateway.store import FILE_NAME, Store, StoreError, last_used

PAGE = 5000


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A record as it stands in a file. `data` is base64 there."""

    position: int
    at_ms: int
    kind: RecordKind
    data: bytes
    listener: str = ""
    source: str = ""
    port: int = 0


class ArchiveError(ValueError):
    """A file that is no export of a journal. One line that says where and why."""


def _open(folder: Path) -> sqlite3.Connection:
    """The database of a folder, to be read; a gateway may be writing it. Raises StoreError."""
    path = folder / FILE_NAME
    if not path.exists():
        raise StoreError(f"journal {path}: there is none")
    try:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"journal {path}: {error}") from error


def extent(folder: Path) -> tuple[int, int, int]:
    """Number of records, and the first and the last position there. Raises StoreError."""
    with closing(_open(folder)) as connection:
        try:
            row = connection.execute("SELECT COUNT(*), MIN(position), MAX(position) FROM journal").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"journal {folder / FILE_NAME}: {error}") from error
    return int(row[0]), int(row[1] or 0), int(row[2] or 0)


def read(folder: Path, after: int = 0) -> Iterator[Record]:
    """The records behind `after` in order. Raises StoreError."""
    with closing(_open(folder)) as connection:
        while True:
            try:
                rows = connection.execute(
                    "SELECT position, at_ms, kind, listener, source, port, data FROM journal"
                    " WHERE position > ? ORDER BY position LIMIT ?",
                    (after, PAGE),
                ).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"journal {folder / FILE_NAME}: {error}") from error
            for row in rows:
                yield Record(row[0], Arrival(row[1], RecordKind(row[2]), row[6], row[3], row[4], row[5]))
            if len(rows) < PAGE:
                return
            after = rows[-1][0]


def bodies(folder: Path) -> dict[str, bytes]:
    """The events of a folder's outbox, by identifier, as they were told. Raises StoreError."""
    with closing(_open(folder)) as connection:
        try:
            return dict(connection.execute("SELECT id, body FROM events ORDER BY seq"))
        except sqlite3.Error as error:
            raise StoreError(f"journal {folder / FILE_NAME}: {error}") from error


def saved(folder: Path, name: str) -> bytes | None:
    """A value among what the gateway remembers. Raises StoreError."""
    with closing(_open(folder)) as connection:
        try:
            row = connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"journal {folder / FILE_NAME}: {error}") from error
    return bytes(row[0]) if row else None


def _file(path: Path, mode: str) -> IO[bytes]:
    return gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # type: ignore[return-value]


def write_file(path: Path, records: Iterable[Record]) -> Iterator[int]:
    """Write records and tell the position of each one written. Raises OSError."""
    with _file(path, "wb") as stream:
        for record in records:
            item = record.arrival
            line = Line(record.position, item.at_ms, item.kind, item.data, item.listener, item.source, item.port)
            stream.write(msgspec.json.encode(line) + b"\n")
            yield record.position


def read_file(path: Path) -> Iterator[Record]:
    """The records of a file, in order. Raises ArchiveError and OSError."""
    decoder = msgspec.json.Decoder(Line)
    last = 0
    with _file(path, "rb") as stream:
        number = 0
        try:
            for number, text in enumerate(stream, start=1):
                line = decoder.decode(text)
                if line.position <= last:
                    raise ArchiveError(f"{path}:{number}: position {line.position} after {last}; they must grow")
                last = line.position
                item = Arrival(line.at_ms, line.kind, line.data, line.listener, line.source, line.port)
                yield Record(line.position, item)
        except msgspec.DecodeError as error:
            raise ArchiveError(f"{path}:{number}: no record of a journal: {error}") from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise ArchiveError(f"{path}: no whole gzip file: {error}") from error


async def put(store: Store, records: list[Record]) -> None:
    """Add records with the positions they have. Raises StoreError where the journal is already further."""

    def work(connection: sqlite3.Connection) -> None:
        last = last_used(connection, "journal")
        if records and records[0].position <= last:
            raise StoreError(f"journal {store.place}: it is at position {last} already; import into a new folder")
        connection.executemany(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    record.position,
                    record.arrival.at_ms,
                    record.arrival.kind.value,
                    record.arrival.listener,
                    record.arrival.source,
                    record.arrival.port,
                    record.arrival.data,
                )
                for record in records
            ],
        )

    await store.write(work)
