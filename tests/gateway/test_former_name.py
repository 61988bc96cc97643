"""A journal of the product's former name is taken up whole, whenever that is cut off, or refused and left as it is."""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from structlog.testing import capture_logs

from ridethrough.gateway.records import Arrival, Event, RecordKind
from ridethrough.gateway.storage import former_name
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.former_name import FORMER_FILE_NAME
from ridethrough.gateway.storage.sqlite import archive, repair
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME, FORM
from ridethrough.rigs.clock import run

EARLY, LATE = 300, 40  # records in the database file, and in its log alone
NAMES = (FILE_NAME, FORMER_FILE_NAME)
PARTS = ("", "-wal", "-shm")
KILLED = 9
PAGE = 4096


def arrivals() -> list[Arrival]:
    return [Arrival(n, RecordKind.DATAGRAM, bytes((n % 256,)) * 200, "l", "s", n) for n in range(EARLY + LATE)]


def event(number: int) -> Event:
    source = "/standin/site"
    return Event(f"{number}-0", "t", source, "UPS1", "2026-01-01T00:00:00.000Z", {"n": number})


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a journal whose gateway was killed, by the end of their names."""
    folder = tmp_path_factory.mktemp("killed")

    async def fill() -> dict[str, bytes]:
        store = Database(folder)
        for start in range(0, EARLY, 20):
            await Journal(store).append(arrivals()[start : start + 20])
        with closing(sqlite3.connect(folder / FILE_NAME)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        await Journal(store).append(arrivals()[EARLY:])
        await SqliteOutbox(store).add([event(1), event(2)], EARLY + LATE, b"memory")
        await SqliteOutbox(store).cursor("ops").advance(1)
        found = {part: (folder / f"{FILE_NAME}{part}").read_bytes() for part in PARTS}
        store.close()
        return found

    found = run(fill(), 1)
    assert all(found.values())
    return found


def lay(folder: Path, parts: dict[str, bytes], name: str = FORMER_FILE_NAME) -> None:
    for part, octets in parts.items():
        (folder / f"{name}{part}").write_bytes(octets)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def records(folder: Path) -> int:
    """How many records are there, each of which is as it was written."""

    async def read() -> int:
        store = Database(folder)
        found = await Journal(store).after(0, 1000)
        assert [record.arrival for record in found] == arrivals()[: len(found)]
        store.close()
        return len(found)

    return run(read(), 1)


def test_everything_is_carried_over_once(parts: dict[str, bytes], tmp_path: Path) -> None:
    lay(tmp_path, parts)

    async def body() -> None:
        with capture_logs() as logs:
            store = Database(tmp_path)
        assert [row["event"] for row in logs] == ["journal of the product's former name carried over"]
        outbox = SqliteOutbox(store)
        assert len(await Journal(store).after(0, 1000)) == EARLY + LATE
        assert await outbox.resume() == (EARLY + LATE, b"memory")
        assert [item.event for item in await outbox.after(0, 10)] == [event(1), event(2)]  # told under their old source
        assert await outbox.cursor("ops").position() == 1
        (new,) = await Journal(store).append(arrivals()[:1])
        assert new.position == EARLY + LATE + 1
        assert await store.read(lambda found: found.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
        store.close()

    run(body(), 1)
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME}
    with capture_logs() as logs:
        Database(tmp_path).close()
    assert logs == []


@pytest.mark.parametrize("there", list(itertools.product((0, 1), repeat=6)), ids=lambda row: "".join(map(str, row)))
def test_whichever_files_are_there_under_whichever_name(
    parts: dict[str, bytes], there: tuple[int, ...], tmp_path: Path
) -> None:
    present = {(name, part) for (name, part), yes in zip(itertools.product(NAMES, PARTS), there, strict=True) if yes}
    for name, part in present:
        (tmp_path / f"{name}{part}").write_bytes(parts[part])
    mains = [name for name in NAMES if (name, "") in present]
    logs = [name for name in NAMES if (name, "-wal") in present]
    before = files(tmp_path)
    if len(mains) > 1 or any(name not in mains for name in logs):
        for attempt in (Database, lambda folder: list(archive.read(folder))):
            with pytest.raises(StoreError) as refused:
                attempt(tmp_path)
            assert "\n" not in str(refused.value)
            assert FILE_NAME in str(refused.value)
            assert files(tmp_path) == before
    else:
        whole = EARLY + LATE if logs else EARLY
        if mains:
            assert len(list(archive.read(tmp_path))) == whole  # looked at under the name that it has
        assert records(tmp_path) == (whole if mains else 0)
        assert not (tmp_path / FORMER_FILE_NAME).exists()


def opened_and_killed(folder: Path, line: int) -> bool:
    """Whether a process that opens the journal reached this line, counted as they are run, and was killed there."""
    child = os.fork()
    if child == 0:
        left = line

        def trace(frame: FrameType, what: str, _argument: object) -> Any:
            nonlocal left
            if frame.f_code.co_filename not in (former_name.__file__, repair.__file__):
                return None
            left -= what == "line"
            if left == 0:
                os._exit(KILLED)
            return trace

        threading.settrace(trace)
        Database(folder).close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, KILLED)
    return status != 0


def test_a_kill_before_any_line_loses_nothing(parts: dict[str, bytes], tmp_path: Path) -> None:
    for line in itertools.count(1):
        folder = tmp_path / str(line)
        folder.mkdir()
        lay(folder, parts)
        killed = opened_and_killed(folder, line)
        assert records(folder) == EARLY + LATE, f"killed before line {line}"
        assert {path.name for path in folder.iterdir()} == {FILE_NAME}
        if not killed:
            break
    assert line > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_kill_while_a_damaged_one_is_repaired_loses_no_more(
    parts: dict[str, bytes], name: str, tmp_path: Path
) -> None:
    octets = bytearray(parts[""])
    octets[25 * PAGE : 26 * PAGE] = b"\xff" * PAGE
    spoilt = parts | {"": bytes(octets)}

    def kept(folder: Path) -> list[int]:
        store = Database(folder)
        found = run(Journal(store).after(0, 1000), 1)
        store.close()
        return [record.position for record in found]

    whole = tmp_path / "whole"
    whole.mkdir()
    lay(whole, spoilt, name)
    saved = kept(whole)
    assert EARLY // 2 < len(saved) < EARLY + LATE
    line = 0
    killed = True
    while killed:
        line += 1 if line < 60 else 101
        folder = tmp_path / str(line)
        folder.mkdir()
        lay(folder, spoilt, name)
        killed = opened_and_killed(folder, line)
        assert kept(folder) == saved, f"killed before line {line}"
        assert (folder / f"{name}.damaged-1").exists()
        assert not (folder / f"{name}.new").exists()
    assert line > 200


def test_a_gateway_of_the_former_name_that_still_runs(parts: dict[str, bytes], tmp_path: Path) -> None:
    lay(tmp_path, parts)
    with closing(sqlite3.connect(tmp_path / FORMER_FILE_NAME, isolation_level=None)) as other:
        other.execute("SELECT * FROM journal").fetchone()
        with pytest.raises(StoreError, match=f"{FORMER_FILE_NAME}.*is in use; stop the program"):
            Database(tmp_path)
        assert not (tmp_path / FILE_NAME).exists()
        other.execute("DELETE FROM journal WHERE last = 0")  # it goes on writing
    assert records(tmp_path) == EARLY + LATE


@pytest.mark.parametrize("name", NAMES)
def test_a_link_to_what_is_not_there_is_not_taken_for_no_journal(name: str, tmp_path: Path) -> None:
    """A disk that is not mounted, for example."""
    (tmp_path / name).symlink_to(tmp_path / "elsewhere" / "journal")
    with pytest.raises(StoreError, match=f"{name} is a link to {tmp_path}/elsewhere/journal, which is not there"):
        Database(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_one_of_another_version_keeps_its_name(parts: dict[str, bytes], tmp_path: Path) -> None:
    lay(tmp_path, parts)
    with closing(sqlite3.connect(tmp_path / FORMER_FILE_NAME, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {FORM + 1}")
    with pytest.raises(StoreError, match="another version"):
        Database(tmp_path)
    assert (tmp_path / FORMER_FILE_NAME).exists()
    assert not (tmp_path / FILE_NAME).exists()
