"""The journal as a file of JSON lines: to be kept, moved, looked at, and read in again.

A line has `position`, `at_ms`, `kind`, `listener`, `source`, `port` and `data` in base64. A name that ends in `.gz` is
compressed.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import IO

import msgspec

from ridethrough.gateway.records import Arrival, Record, RecordKind
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.former_name import FormerNameError, journal_file
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.packed_rows import last_used, rows_after, total
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME, known_form
from ridethrough.gateway.storage.sqlite.tables import EVENTS, JOURNAL, events, name_of, put_records, records

ROWS = 256  # read at one look


class ExportedRecord(msgspec.Struct, forbid_unknown_fields=True):
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


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database of a folder, to be read; a gateway may be writing it. Raises StoreError for all that fails."""
    try:
        path = journal_file(folder)
    except FormerNameError as error:
        raise StoreError(f"journal {folder / FILE_NAME}: {error}") from error
    if not path.exists():
        raise StoreError(f"journal {path}: there is none")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            known_form(connection)
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"journal {path}: {error}") from error


def extent(folder: Path) -> tuple[int, int, int]:
    """Number of records, and the first and the last position there. Raises StoreError."""
    with _opened(folder) as connection:
        first = next(rows_after(connection, JOURNAL, 0), None)
        (last,) = connection.execute(f"SELECT COALESCE(MAX(last), 0) FROM {JOURNAL}").fetchone()  # noqa: S608
        return total(connection, JOURNAL), first.first if first else 0, int(last)


def read(folder: Path, after: int = 0) -> Iterator[Record]:
    """The records behind `after` in order. Raises StoreError."""
    while True:
        # Not all at one look: as long as one lasts, the file beside the database can only grow.
        with _opened(folder) as connection:
            found = [record for some in islice(records(connection, after), ROWS) for record in some]
        if not found:
            return
        yield from found
        after = found[-1].position


def event_count(folder: Path) -> int:
    """Number of events in a folder's outbox. Raises StoreError."""
    with _opened(folder) as connection:
        return total(connection, EVENTS)


def bodies(folder: Path) -> dict[str, bytes]:
    """The events of a folder's outbox as JSON, by identifier. Raises StoreError."""
    with _opened(folder) as connection:
        return {name_of(body): body for _, body in events(connection, 0)}


def saved(folder: Path, name: str) -> bytes | None:
    """A value of the table `state`; None without one. Raises StoreError."""
    with _opened(folder) as connection:
        row = connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def _file(path: Path, mode: str) -> IO[bytes]:
    return gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # type: ignore[return-value]


def write_file(path: Path, found: Iterable[Record]) -> Iterator[int]:
    """Write records; yields the position of each one written. Raises OSError."""
    with _file(path, "wb") as stream:
        for record in found:
            item = record.arrival
            line = ExportedRecord(
                record.position, item.at_ms, item.kind, item.data, item.listener, item.source, item.port
            )
            stream.write(msgspec.json.encode(line) + b"\n")
            yield record.position


def read_file(path: Path) -> Iterator[Record]:
    """The records of a file, in order. Raises ArchiveError and OSError."""
    decoder = msgspec.json.Decoder(ExportedRecord)
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


async def put(store: Database, found: list[Record]) -> None:
    """Add records with the positions they have. Raises StoreError where the journal is already further."""

    def work(connection: sqlite3.Connection) -> None:
        last = last_used(connection, JOURNAL)
        if found and found[0].position <= last:
            raise StoreError(f"journal {store.place}: it is at position {last} already; import into a new folder")
        for _, run in groupby(enumerate(found), key=lambda item: item[1].position - item[0]):
            without_gap = [record for _, record in run]
            put_records(connection, without_gap[0].position, [record.arrival for record in without_gap])

    await store.write(work)
