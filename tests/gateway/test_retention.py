"""What is kept of journal and events: by age and size, and never less than a destination waits for."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.records import Arrival, Event, RecordKind
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.journal import Journal
from ridethrough.gateway.storage.sqlite.outbox import SqliteOutbox
from ridethrough.gateway.storage.sqlite.retention import Retention, RetentionLimits, SweepResult
from ridethrough.rigs.clock import run

DAY_MS = 86_400_000


def event(position: int, index: int = 0) -> Event:
    return Event(f"{position}-{index}", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {})


async def filled(
    store: Database, count: int, processed: int, octets: int = 1, together: int | None = None
) -> tuple[Journal, SqliteOutbox]:
    """A record a day, each with two events; so many records in one commit, and their events in another."""
    journal, outbox = Journal(store), SqliteOutbox(store)
    for group in groups(count, together or count):
        await journal.append([Arrival(n * DAY_MS, RecordKind.DATAGRAM, bytes(octets), "l", "s", 1) for n in group])
    for group in groups(processed, together or processed or 1):
        await outbox.add([event(n, index) for n in group for index in (0, 1)], group[-1], b"")
    return journal, outbox


def groups(count: int, together: int) -> list[list[int]]:
    return [list(range(n, min(n + together, count + 1))) for n in range(1, count + 1, together)]


async def left(store: Database) -> tuple[list[int], list[str]]:
    """On the disk: a journal may still know what it wrote last."""
    records, told = await Journal(store).after(0, 100_000), await SqliteOutbox(store).after(0, 100_000)
    return [record.position for record in records], [queued.event.id for queued in told]


@given(
    st.integers(1, 12),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 24),
    st.integers(0, 15),
    st.booleans(),
    st.integers(1, 4),
)
def test_what_anybody_waits_for_stays(
    count: int, processed: int, forwarded: int, taken: int, today: int, limited: bool, together: int
) -> None:
    """What came together goes together."""
    processed, forwarded, taken = min(processed, count), min(forwarded, count), min(taken, 2 * min(processed, count))
    keep_days = 3.0

    async def body() -> None:
        store = Database(None)
        journal, outbox = await filled(store, count, processed, together=together)
        await outbox.cursor("forward:nms").advance(forwarded)
        await outbox.cursor("ops").advance(taken)
        await outbox.cursor("gone").advance(0)  # of a sink that the site no longer has
        retention = Retention(store, RetentionLimits(keep_days if limited else None), ["forward:nms"], ["ops"])
        swept = await retention.sweep(today * DAY_MS)
        positions, ids = await left(store)
        # The first two events are those of record 1: what is untaken keeps its record.
        untaken = taken // 2 + 1 if taken < 2 * processed else count + 1
        rows = groups(count, together)
        old = [row for row in rows if limited and row[-1] < today - keep_days]
        gone = [n for row in old if row[-1] <= min(processed, forwarded) and row[-1] < untaken for n in row]
        assert positions == [n for n in range(1, count + 1) if n not in gone]
        assert ids == [f"{n}-{index}" for n in range(1, processed + 1) for index in (0, 1) if n not in gone]
        assert swept.waiting is (len(gone) < sum(map(len, old)))
        assert (swept.records, swept.events) == (len(gone), 2 * len(gone))
        assert await journal.extent() == (len(positions), count)  # numbers are never used twice
        (record,) = await journal.append([Arrival(0, RecordKind.TICK, b"")])
        assert record.position == count + 1
        assert await outbox.last_seq() == 2 * processed
        store.close()

    run(body(), 1)


def test_the_oldest_go_when_it_grows_too_big(tmp_path: Path) -> None:
    async def body() -> None:
        store = Database(tmp_path)
        await filled(store, 12_000, 12_000, octets=400)
        retention = Retention(store, RetentionLimits(mib=6.0), [], [])
        swept = SweepResult(0, 0, 0, more=True, waiting=False)
        while swept.more:
            swept = await retention.sweep(0)
        assert swept.octets <= 6 << 20
        assert not swept.waiting
        positions, ids = await left(store)
        assert 0 < len(positions) < 12_000
        assert positions == list(range(12_001 - len(positions), 12_001))
        assert ids[0] == f"{positions[0]}-0"
        store.close()

    run(body(), 1)


def test_too_big_and_still_wanted_is_said_and_kept() -> None:
    async def body() -> None:
        store = Database(None)
        await filled(store, 3_000, 3_000, octets=1000)
        retention = Retention(store, RetentionLimits(mib=1.0), ["forward:away"], [])
        swept = await retention.sweep(0)
        assert (swept.records, swept.waiting) == (0, True)
        assert len((await left(store))[0]) == 3_000
        store.close()

    run(body(), 1)
