"""What is counted as done, as scheduled and as durable, whatever happens in which order; and events that are poison."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.deliver.cursor_tracker import CURSOR_FLUSH_S, CursorTracker
from ridethrough.gateway.deliver.poison import PROBE_AFTER, PoisonDetector
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import Cursor
from ridethrough.rigs.clock import run


class StoredPlace:
    """A cursor whose lazy writes wait for `others_write`, unless `at_once`; a broken one refuses all."""

    def __init__(self, at_once: bool) -> None:
        self.stored = 0
        self.lazy: int | None = None
        self.at_once = at_once
        self.broken = False
        self.writes = 0

    async def position(self) -> int:
        return self.stored

    async def advance(self, seq: int) -> None:
        if self.broken:
            raise StoreError("full")
        self.writes += 1
        self.stored, self.lazy = seq, None

    async def advance_lazily(self, seq: int) -> bool:
        if self.at_once:
            await self.advance(seq)
        else:
            self.lazy = seq
        return self.at_once

    def others_write(self) -> None:
        if self.lazy is not None:
            self.stored, self.lazy = self.lazy, None


STEPS = st.one_of(
    st.tuples(st.just("schedule"), st.integers(1, 9)),
    st.tuples(st.sampled_from(["flush", "others", "crash", "break", "mend"]), st.just(0)),
    st.tuples(st.just("move"), st.integers(0, 50)),
)


@given(st.booleans(), st.lists(STEPS, max_size=40))
def test_a_restart_repeats_but_never_leaves_out(at_once: bool, steps: list[tuple[str, int]]) -> None:
    async def body() -> None:
        stored = StoredPlace(at_once)
        tracker = CursorTracker(cast("Cursor", stored))
        place = await tracker.load()
        for name, number in steps:
            try:
                match name:
                    case "schedule":
                        place += number
                        assert await tracker.schedule(place)
                        assert not await tracker.schedule(place)
                    case "flush":
                        await tracker.flush(place)
                        assert (tracker.is_durable, stored.stored) == (True, place)
                    case "others":
                        stored.others_write()
                    case "move":
                        await tracker.move(number)
                        place = number
                    case "crash":
                        stored.lazy = None
                        tracker = CursorTracker(cast("Cursor", stored))
                        place = await tracker.load()
                    case _:
                        stored.broken = name == "break"
            except StoreError:
                place = await tracker.load()
            assert await tracker.position() == place
            assert stored.stored <= place
            if tracker.is_durable:
                assert stored.stored == place

    run(body(), "max")


async def test_what_is_on_disk_is_not_written_again() -> None:
    stored: Any = StoredPlace(at_once=False)
    tracker = CursorTracker(stored)
    assert await tracker.position() == 0
    await tracker.load()
    await tracker.flush(0)
    assert stored.writes == 0
    await tracker.schedule(4)
    assert not tracker.flush_due
    await tracker.flush(4)
    await tracker.flush(4)
    assert stored.writes == 1


def test_a_flush_is_due_when_nothing_is_scheduled_for_a_while() -> None:
    async def body() -> None:
        tracker = CursorTracker(cast("Cursor", StoredPlace(at_once=False)))
        await tracker.load()
        await tracker.schedule(1)
        await asyncio.sleep(CURSOR_FLUSH_S / 2)
        assert not tracker.flush_due
        await tracker.schedule(2)
        await asyncio.sleep(CURSOR_FLUSH_S / 2)
        assert not tracker.flush_due
        await asyncio.sleep(CURSOR_FLUSH_S)
        assert tracker.flush_due

    run(body(), "max")


@pytest.mark.parametrize(("attempt", "suspected"), [(1, False), (PROBE_AFTER, False), (PROBE_AFTER + 1, True)])
def test_an_event_is_suspected_after_so_many_attempts(attempt: int, suspected: bool) -> None:
    assert PoisonDetector.suspects(attempt) is suspected


def test_an_event_is_poison_when_others_are_taken_meanwhile() -> None:
    taken = [3]
    poison = PoisonDetector(lambda: taken[0])
    assert not poison.others_delivered
    taken[0] += 1
    assert poison.others_delivered
