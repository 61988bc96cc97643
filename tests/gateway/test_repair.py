"""A damaged journal: what can be read is saved, the rest is counted, and no number is used twice."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ridethrough.gateway.records import Arrival, Event, RecordKind
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.gateway.storage.sqlite.repair import find_damage
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.rigs.clock import run

COUNT = 2000
PAGE = 4096


def arrivals() -> list[Arrival]:
    rng = random.Random(3)
    return [Arrival(n, RecordKind.DATAGRAM, rng.randbytes(150), "l", "s", n) for n in range(COUNT)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")

    async def fill() -> None:
        store = Database(folder)
        await Journal(store).append(arrivals())
        events = [Event(f"{n}-0", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"n": n}) for n in range(1, COUNT, 4)]
        await SqliteOutbox(store).add(events, COUNT, b"memory")
        await SqliteOutbox(store).cursor("ops").advance(17)
        store.close()

    run(fill(), 1)
    assert not (folder / f"{FILE_NAME}-wal").exists()
    return folder


def broken(whole: Path, folder: Path, pages: list[int], filling: bytes) -> Path:
    shutil.copytree(whole, folder, dirs_exist_ok=True)
    path = folder / FILE_NAME
    octets = bytearray(path.read_bytes())
    for page in pages:
        octets[page * PAGE : (page + 1) * PAGE] = filling * (PAGE // len(filling))
    path.write_bytes(octets)
    return path


def test_a_spoilt_page_costs_its_own_rows_only(whole: Path, tmp_path: Path) -> None:
    path = broken(whole, tmp_path, [40], b"\xff")
    assert find_damage(path)

    async def body() -> None:
        store = Database(tmp_path)
        report = store.repaired
        assert report is not None
        assert 0 < report.lost < 40
        assert Path(report.kept).read_bytes()[40 * PAGE : 41 * PAGE] == b"\xff" * PAGE
        journal, outbox = Journal(store), SqliteOutbox(store)
        records = await journal.after(0, COUNT)
        assert len(records) == COUNT - report.lost
        assert all(record.arrival == arrivals()[record.position - 1] for record in records)
        assert await outbox.resume() == (COUNT, b"memory")
        assert await outbox.cursor("ops").position() == 17
        (new,) = await journal.append(arrivals()[:1])
        assert new.position == COUNT + 1
        store.close()
        again = Database(tmp_path)
        assert again.repaired is None
        again.close()

    run(body(), 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pages=st.lists(st.integers(0, 100), min_size=1, max_size=6), filling=st.sampled_from([b"\0", b"\xff", b"\r\0\1\2"])
)
def test_any_pages_spoilt(whole: Path, tmp_path: Path, pages: list[int], filling: bytes) -> None:
    shutil.rmtree(tmp_path)
    path = broken(whole, tmp_path, pages, filling)
    expected = {n + 1: item for n, item in enumerate(arrivals())}

    async def body() -> None:
        store = Database(tmp_path)
        records = await Journal(store).after(0, 2 * COUNT)
        if store.repaired is None:
            assert not find_damage(path)
        wrong = [record for record in records if expected.get(record.position) != record.arrival]
        assert not wrong
        assert await SqliteOutbox(store).cursor("ops").position() in (0, 17)
        (new,) = await Journal(store).append(arrivals()[:1])
        assert new.position > COUNT
        store.close()
        assert not find_damage(path)

    run(body(), 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0.05, 0.999), change=st.integers(1, 255))
def test_any_octet_changed(whole: Path, tmp_path: Path, place: float, change: int) -> None:
    """SQLite itself does not see what changes within a value."""
    shutil.rmtree(tmp_path)
    shutil.copytree(whole, tmp_path)
    path = tmp_path / FILE_NAME
    octets = bytearray(path.read_bytes())
    octets[int(len(octets) * place)] ^= change
    path.write_bytes(octets)
    expected = {n + 1: item for n, item in enumerate(arrivals())}

    async def body() -> None:
        store = Database(tmp_path)
        records = await Journal(store).after(0, 2 * COUNT)
        lost = store.repaired.lost if store.repaired else 0
        assert COUNT - len(records) <= lost <= 40
        assert not [record for record in records if expected.get(record.position) != record.arrival]
        store.close()

    run(body(), 1)


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("this is no database, but long enough to be taken for one" * 20)
    store = Database(tmp_path)
    assert store.repaired is not None
    assert (store.repaired.saved, store.repaired.reason) == (0, "file is not a database")
    assert Path(store.repaired.kept).read_text().startswith("this is no")
    store.close()


def test_damage_that_shows_while_running_is_healed(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)

    async def body() -> None:
        store = Database(tmp_path)
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other, other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        broken(whole, tmp_path, [60], b"\xff")
        report = await store.reopen()
        assert report is not None
        assert report.lost > 0
        await Journal(store).append(arrivals()[:1])
        assert await store.reopen() is None
        store.close()

    run(body(), 1)
