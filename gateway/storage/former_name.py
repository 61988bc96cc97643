"""Files and streams of the product's former name, Standin: renamed once, or refused with one line of what to do."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ridethrough.gateway.storage.sqlite.repair import LOG, interrupted
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME, known_form

FORMER_FILE_NAME = "standin.sqlite"
FORMER_PREFIX = "standin"
"""Of streams and buckets in a JetStream."""
FORMER_ORIGIN = "Standin-Origin"
"""A header of messages there."""
FORMER_SOURCE = re.compile(rb'"source":"/standin/(standin(?="))?')
"""Of an event, with the name of a site that gave none."""
LOCK_TIMEOUT_S = 1.0


class FormerNameError(OSError):
    """Files that are not certain to be one journal. One line that says what to do."""


def journal_file(folder: Path) -> Path:
    """The database of a folder, under the name that it has; the present one where there is none.

    A database and its log belong together by their names. Apart, SQLite would read each as if the other had never been,
    and the commits in the log would be lost without a word. Raises FormerNameError.
    """
    names = [folder / name for name in (FILE_NAME, FORMER_FILE_NAME)]
    there = [path for path in names if path.exists() or interrupted(path)]
    if len(there) > 1:
        raise FormerNameError(
            f"there are {FILE_NAME} and {FORMER_FILE_NAME}, which is the product's former name; "
            "move away the one that is not to go on, with its -wal"
        )
    for path in names:
        if path.is_symlink() and not path.exists():
            raise FormerNameError(f"{path.name} is a link to {path.readlink()}, which is not there")
        log = path.with_name(path.name + LOG)
        if path not in there and log.exists() and log.stat().st_size:
            raise FormerNameError(
                f"there is {log.name}, which has the last commits of {path.name}, and no {path.name}; "
                "bring the two together under one name, or move the log away"
            )
    return there[0] if there else folder / FILE_NAME


def carry_over(found: Path) -> None:
    """Give a journal of the former name its present one.

    First all of it comes into one file, so that the change of names is one step: it has happened, or it has not.
    The file is locked meanwhile. Raises OSError and sqlite3.Error, with the journal under its former name.
    """
    with closing(sqlite3.connect(found, timeout=LOCK_TIMEOUT_S, isolation_level=None)) as connection:
        known_form(connection)  # one of another version goes on with the program that wrote it
        try:
            connection.execute(
                "PRAGMA journal_mode = DELETE"
            )  # takes the log in; fails while others have the file open
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            message = f"{found.name}, of the product's former name, is in use; stop the program that has it open"
            raise FormerNameError(message) from error
        found.rename(found.with_name(FILE_NAME))
    _sync(found.parent)


def _sync(folder: Path) -> None:
    """Write the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def former_streams(stream: Any, own: str) -> str:
    """The reason for which a gateway whose file gives no prefix must not make the stream `own`; empty when it may."""
    from nats.js.errors import NotFoundError

    async def is_there(name: str) -> bool:
        try:
            await stream.stream_info(name)
        except NotFoundError:
            return False
        return True

    if await is_there(own) or not await is_there(f"{FORMER_PREFIX}-raw"):
        return ""
    return (
        f"JetStream: there is no stream {own} yet, but {FORMER_PREFIX}-raw, of the product's former name; "
        f"under journal.jetstream, `prefix: {FORMER_PREFIX}` goes on with it, and `prefix: ridethrough` begins anew"
    )


def as_told_now(body: bytes) -> bytes:
    """An event as JSON, under the source that it would have today."""
    return FORMER_SOURCE.sub(lambda found: b'"source":"/ridethrough/' + (b"ridethrough" if found[1] else b""), body, 1)
