"""What is read from memory is what is on disk, whoever reads, and whatever was written meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.records import Arrival, Event, RecordKind
from ridethrough.gateway.storage import tail
from ridethrough.gateway.storage.sqlite import tables
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.rigs.clock import run
from ridethrough.wire.snmp import Kind
from tests.support.sites import octets
from tests.support.stage import Stage, stage

GROUPS = st.lists(st.binary(max_size=40), max_size=7)
READS = st.tuples(st.integers(0, 40), st.integers(1, 9))
STEPS = st.lists(st.one_of(GROUPS, READS), max_size=30)


@given(STEPS)
def test_memory_and_disk_say_the_same(steps: list[list[bytes] | tuple[int, int]]) -> None:
    async def body() -> None:
        store = Database(None)
        journal, outbox = Journal(store), SqliteOutbox(store)
        told = 0
        for step in steps:
            if isinstance(step, tuple):
                # What has just been made knows nothing yet, and looks on disk.
                assert await journal.after(*step) == await Journal(store).after(*step)
                assert await outbox.after(*step) == await SqliteOutbox(store).after(*step)
                continue
            await journal.append([Arrival(1, RecordKind.DATAGRAM, data, "l", "s", 1) for data in step])
            events = [Event(f"{told + n}-0", "t", "/t", "s", "", {"n": data.hex()}) for n, data in enumerate(step, 1)]
            await outbox.add(events, told, b"")
            told += len(step)
        store.close()

    with patch.multiple(tail, MAX_ITEMS=9, MAX_OCTETS=300):
        run(body(), "max")


def test_who_reads_on_finds_it_in_memory_also_a_group_later() -> None:
    async def body() -> None:
        store = Database(None)
        outbox = SqliteOutbox(store)
        told = 0
        for _ in range(4):
            await outbox.add([Event(f"{told + n}-0", "t", "/t", "s", "", {}) for n in range(1, 4)], told + 3, b"")
            told += 3
            await outbox.after(told - 3, 1)
        await store.write(lambda connection: connection.execute("DELETE FROM events"))
        seqs = [[queued.seq for queued in await outbox.after(seq, 9)] for seq in (0, 3, 6, 9, 12)]
        assert seqs == [[], [4, 5, 6, 7, 8, 9, 10, 11, 12], [7, 8, 9, 10, 11, 12], [10, 11, 12], []]
        store.close()

    with patch.multiple(tail, MAX_ITEMS=9):
        run(body(), "max")


def test_whoever_is_busy_for_a_while_finds_what_has_grown_and_whoever_has_gone_finds_nothing_held() -> None:
    held: tail.TailCache[int] = tail.TailCache()
    held.after(0, 1)
    for number in range(1, tail.IDLE_APPENDS + 1):
        held.extend(number, [number], 1)
    assert held.after(0, 99) == list(range(1, tail.IDLE_APPENDS + 1))
    for number in range(tail.IDLE_APPENDS + 1, 2 * tail.IDLE_APPENDS + 2):
        held.extend(number, [number], 1)
    assert held.after(tail.IDLE_APPENDS, 99) is None


def test_the_sinks_of_a_gateway_are_told_from_memory(tmp_path: Path) -> None:
    looks = 0

    def events(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, bytes]]:
        nonlocal looks
        looks += 1
        return on_disk(connection, after)

    async def body(stage: Stage) -> None:
        await asyncio.sleep(10)
        for number in range(40):
            stage.trap(octets(number, number + 1, Kind.TRAP_V2))
            await asyncio.sleep(1)
            if number == 4:
                before = looks
        assert (tmp_path / "log").read_text().count("trap.unknown") == 40
        assert looks == before

    on_disk = tables.events
    with patch.object(tables, "events", events):
        stage(body, {"gateway": {"sinks": {"log": {"type": "file", "path": str(tmp_path / "log")}}}})
