"""Repair of a damaged database: rows that can be read are copied into a new one, and the old one is kept beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ridethrough.gateway.storage.sqlite.packed_rows import PAGE_OCTETS, PackedRow, rows_after
from ridethrough.gateway.storage.sqlite.schema import SCHEMA, TABLES, FormError, known_form
from ridethrough.gateway.storage.sqlite.tables import EVENTS, JOURNAL

STEP = 256  # rows read at once; halved where some of them cannot be read
UNUSED = 1_000_000  # numbers left out where the last one used is not known
PACKED = (JOURNAL, EVENTS)
NUMBERED = (*PACKED, "audit")
LOG = "-wal"
BESIDE = ("", LOG, "-shm")  # what belongs to a database file
KEPT = ".damaged-"  # with a number, a damaged file under its new name
NEW = ".new"  # the database that takes its place, while it is filled


class RepairReport(NamedTuple):
    """The result for a damaged file: where it is now, rows saved, rows that could not be read, and the damage."""

    kept: str
    saved: int
    lost: int
    reason: str


def find_damage(path: Path) -> str:
    """The first damage found in a database file, in words; empty without any."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            for table in PACKED if answer == "ok" and known_form(connection) else ():
                damaged = next((row for row in rows_after(connection, table, 0) if not row.sound), None)
                if damaged is not None:
                    return f"items {damaged.first} to {damaged.last} of {table} are not what was written"
    except FormError:
        return ""
    except sqlite3.DatabaseError as error:
        # A disk that is full or may not be written says so when the file is used; that is no damage.
        primary = error.sqlite_errorcode & 0xFF
        return str(error) if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
    return "" if answer == "ok" else str(answer).replace("\n", " ")


def interrupted(path: Path) -> bool:
    """True when the process ended during the repair of this file, which is to be done again."""
    return not path.exists() and _new(path).exists() and bool(_numbers(path))


def repair(path: Path) -> RepairReport:
    """Rename a damaged file, and copy what can be read of it into a new one. Raises OSError and sqlite3.Error.

    After a crash in between, the same call begins again with the file renamed then.
    """
    new = _new(path)
    number = max(_numbers(path), default=0) + (not interrupted(path))
    kept = path.with_name(f"{path.name}{KEPT}{number}")
    new.touch()  # from now on it is known that this has begun
    for end in BESIDE:
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(kept.with_name(kept.name + end))
    reason = find_damage(kept)
    new.with_name(f"{new.name}-journal").unlink(missing_ok=True)
    new.write_bytes(b"")
    with closing(sqlite3.connect(new)) as fresh, closing(sqlite3.connect(kept)) as old:
        fresh.executescript(SCHEMA)
        saved = lost = 0
        for table, order in TABLES.items():
            columns = ", ".join(row[1] for row in fresh.execute(f"PRAGMA table_info({table})"))
            marks = ", ".join("?" for _ in columns.split(", "))
            ends = _ends(old, table, order)
            for found in _rows(old, table, order, columns, ends):
                if isinstance(found, int):
                    lost += found
                    continue
                row = PackedRow._make(found) if table in PACKED else None
                if row is not None and not row.sound:
                    lost += min(max(1, row.items), PAGE_OCTETS)  # not even its count is certain
                else:
                    saved += 1 if row is None else row.items
                    fresh.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", found)  # noqa: S608
            _advance_sequences(fresh, old, table, ends[1])
        fresh.commit()
    new.rename(path)
    return RepairReport(str(kept), saved, lost, reason)


def _new(path: Path) -> Path:
    return path.with_name(path.name + NEW)


def _numbers(path: Path) -> list[int]:
    """Numbers of the damaged files that were renamed."""
    prefix = f"{path.name}{KEPT}"
    ends = [item.name.removeprefix(prefix) for item in path.parent.glob(f"{prefix}*")]
    return [int(end) for end in ends if end.isdecimal()]


def _ends(old: sqlite3.Connection, table: str, order: str) -> tuple[int, int]:
    """The first and the last number of a table's rows, as far as can be read."""
    try:
        first, last = old.execute(f"SELECT MIN({order}), MAX({order}) FROM {table}").fetchone()  # noqa: S608
    except sqlite3.Error:
        first, last = 0, _sequence(old, table)
    return int(first or 0), int(last or 0)


def _sequence(old: sqlite3.Connection, table: str) -> int:
    """The last number given to a row, as the file counts them; 0 when that cannot be read."""
    try:
        row = old.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    except sqlite3.Error:
        return 0
    return int(row[0]) if row else 0


def _rows(
    old: sqlite3.Connection, table: str, order: str, columns: str, ends: tuple[int, int]
) -> Iterator[tuple[Any, ...] | int]:
    """Rows that can be read, and for numbers that cannot, how many of them there are."""
    at, step = ends[0], STEP
    while at <= ends[1]:
        try:
            # A single row is asked for by its number: a range would look at the row behind it, too.
            wanted, limits = ("= ?", (at,)) if step == 1 else ("BETWEEN ? AND ?", (at, at + step - 1))
            query = f"SELECT {columns} FROM {table} WHERE {order} {wanted} ORDER BY {order}"  # noqa: S608
            found = old.execute(query, limits).fetchall()
        except sqlite3.Error:
            if step == 1:
                yield 1
                at, step = at + 1, STEP
            else:
                step //= 2
            continue
        yield from found
        at += step
        step = min(STEP, step * 2)


def _advance_sequences(fresh: sqlite3.Connection, old: sqlite3.Connection, table: str, last: int) -> None:
    """Numbers are never used twice, not even those of rows that are lost."""
    if table not in NUMBERED:
        return
    counted = _sequence(old, table)
    (saved,) = fresh.execute(f"SELECT COALESCE(MAX({TABLES[table]}), 0) FROM {table}").fetchone()  # noqa: S608
    # Where the count itself is lost, so may be the last rows: leave room for more than a file can hold at its end.
    last = max(last, counted, saved) + (0 if counted else UNUSED)
    fresh.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    fresh.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))
