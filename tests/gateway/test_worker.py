"""Sinks that misbehave, and those who look after them: order, waits, what is set aside, pauses, again."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Reject, Retry
from ridethrough.gateway.deliver.templates import document, filled, one_line, shown
from ridethrough.gateway.records import Event, Severity
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.rigs.clock import run
from tests.support.sinks import Bench, Script, Together, event, ids


def test_retries_keep_the_order_poison_is_set_aside_and_sinks_do_not_wait_for_one_another() -> None:
    async def body() -> None:
        store = Database(None)

        def slow(item: Event, attempt: int) -> Outcome:
            if item.id == "1-0" and attempt < 3:
                return Retry("later")
            return Reject("never") if item.id == "2-0" else Delivered()

        sinks = {"slow": Script(slow), "fast": Script()}
        bench = Bench(store, sinks)
        await bench.add([event(n) for n in range(1, 6)])
        await sinks["fast"].until(lambda: len(sinks["fast"].taken) == 5)
        assert sinks["slow"].taken == []
        await bench.reached("slow", 5)
        assert sinks["slow"].taken == ids([1, 3, 4, 5])
        row = await bench.status("slow")
        assert (row.delivered, row.failures, row.given_up, row.backlog) == (4, 2, 1, 0)
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_a_sink_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for first in (1, 4):

        async def body(first: int = first) -> None:
            store = Database(tmp_path)
            script = Script()
            bench = Bench(store, {"s": script})
            await bench.add([event(n) for n in range(first, first + 3)])
            await bench.reached("s", first + 2)
            await bench.dispatcher.stop()
            assert script.taken == ids(range(first, first + 3))
            store.close()

        run(body(), "max")


def test_the_place_of_a_sink_with_lanes_is_written_by_the_next_commit_or_when_it_is_quiet(tmp_path: Path) -> None:
    async def body() -> None:
        store = Database(tmp_path)
        script = Script(lanes=4)
        bench = Bench(store, {"s": script})
        cursor = bench.dispatcher.workers["s"].cursor

        async def delivered(count: int) -> None:
            while (await bench.status()).backlog:
                await asyncio.sleep(0)
            assert len(script.taken) == count

        await bench.add([event(n, f"UPS{n}") for n in range(1, 4)])
        await delivered(3)
        assert await cursor.position() == 0
        await bench.outbox.cursor("other").advance(1)
        assert await cursor.position() == 3
        await bench.add([event(4)])
        await delivered(4)
        assert await cursor.position() == 3
        await asyncio.sleep(1)
        assert await cursor.position() == 4
        await bench.add([event(5)])
        await delivered(5)
        await bench.dispatcher.stop()
        assert await cursor.position() == 5
        store.close()

    run(body(), "max")


def test_a_wait_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def first() -> float:
        store = Database(tmp_path)
        script = Script(lambda _event, _attempt: Retry("down"))
        bench = Bench(store, {"s": script})
        await bench.add([event(1)])
        await script.until(lambda: script.attempts["1-0"] == 7)  # the next one is half a minute away
        while (left := await bench.dispatcher.workers["s"].cursor.retry()) is None or left.attempt < 7:
            await asyncio.sleep(0.5)
        assert (left.seq, left.reason) == (1, "down")
        await bench.dispatcher.stop()
        store.close()
        return left.until_ms / 1000

    async def second(until_s: float) -> None:
        loop = asyncio.get_running_loop()
        store = Database(tmp_path)
        script = Script(lambda _event, attempt: Retry("down") if attempt == 1 else Delivered())
        bench = Bench(store, {"s": script})
        begun_s = loop.time()
        await script.until(lambda: script.taken == ["1-0"])
        # One attempt at once, as the sink may be back, and the next when the earlier run would have made it.
        assert script.at_s[0] - begun_s < 1
        assert abs(script.at_s[1] - min(until_s, begun_s + 60)) < 1
        await bench.reached("s", 1)
        assert await bench.dispatcher.workers["s"].cursor.retry() is None
        await bench.dispatcher.stop()
        store.close()

    run(second(run(first(), "max")), "max")


def test_what_is_done_is_noted_without_forgetting_a_wait_behind_it() -> None:
    async def body() -> None:
        store = Database(None)
        script = Script(lambda item, _attempt: Delivered() if item.id == "1-0" else Retry("down"), lanes=4)
        bench = Bench(store, {"s": script})
        await bench.add([event(1), event(2)])
        await script.until(lambda: script.attempts["2-0"] == 1)
        await asyncio.sleep(0.3)  # of 0.5 until the next attempt
        cursor = bench.dispatcher.workers["s"].cursor
        assert await cursor.position() == 1
        left = await cursor.retry()
        assert left is not None
        assert (left.seq, left.attempt) == (2, 1)
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_devices_do_not_wait_for_one_another_in_lanes() -> None:
    async def body() -> None:
        store = Database(None)
        script = Script(
            lambda item, attempt: Retry("no") if item.subject == "B" and attempt < 3 else Delivered(), lanes=4
        )
        bench = Bench(store, {"s": script})
        await bench.add([event(n, "AB"[n % 2]) for n in range(1, 9)])
        await bench.reached("s", 8)
        assert [one for one in script.taken if one in ids([2, 4, 6, 8])] == ids([2, 4, 6, 8])
        assert [one for one in script.taken if one in ids([1, 3, 5, 7])] == ids([1, 3, 5, 7])
        assert script.taken[:4] == ids([2, 4, 6, 8])
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_an_event_that_is_the_trouble_itself_is_set_aside() -> None:
    """Its sink says 500 and takes others: those of other devices, or at least the next one."""
    for lanes, subjects in ((4, "AB"), (1, "A"), (4, "A")):

        async def body(lanes: int = lanes, subjects: str = subjects) -> None:
            store = Database(None)
            script = Script(lambda item, _attempt: Retry("HTTP 500") if item.id == "2-0" else Delivered(), lanes=lanes)
            bench = Bench(store, {"s": script})
            await bench.add([event(n, subjects[n % len(subjects)]) for n in range(1, 7)])
            await bench.reached("s", 6)
            assert sorted(script.taken) == ids([1, 3, 4, 5, 6])
            (aside,) = await bench.dispatcher.workers["s"].cursor.dead_letters()
            assert (aside.event.id, aside.reason) == ("2-0", "HTTP 500, 7 times, while others got through")
            script.answer = lambda _event, _attempt: Delivered()
            bench.dispatcher.workers["s"].retry_dead_letters()
            await script.until(lambda: "2-0" in script.taken)
            while await bench.dispatcher.workers["s"].cursor.dead_letter_count():
                await asyncio.sleep(0.5)
            await bench.dispatcher.stop()
            store.close()

        run(body(), "max")


def test_what_waits_goes_together_in_order_and_a_failed_group_is_tried_as_it_was() -> None:
    async def body() -> None:
        store = Database(None)
        script = Together(lambda _event, attempt: Retry("busy") if attempt < 3 else Delivered(), batch=4)
        bench = Bench(store, {"s": script})
        await bench.add([event(n, "AB"[n % 2]) for n in range(1, 7)])
        await script.until(lambda: script.attempts["1-0"] == 1)
        await bench.add([event(7)])
        await bench.reached("s", 7)
        assert script.taken == ids(range(1, 8))
        assert script.groups == [ids([1, 2, 3, 4])] * 3 + [ids([5, 6, 7])] * 3
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_of_a_group_that_is_refused_only_the_trouble_is_set_aside() -> None:
    for verdict, reason in ((Reject("HTTP 400"), "HTTP 400"), (Retry("HTTP 500"), "HTTP 500, 8 times, while others")):

        async def body(verdict: Outcome = verdict, reason: str = reason) -> None:
            store = Database(None)
            script = Together(lambda item, _attempt: verdict if item.id == "2-0" else Delivered(), batch=4)
            bench = Bench(store, {"s": script})
            await bench.add([event(n, "AB"[n % 2]) for n in range(1, 7)])
            await bench.reached("s", 6)
            assert script.taken == ids([1, 3, 4, 5, 6])
            assert script.groups[-1] == ids([5, 6])
            (aside,) = await bench.dispatcher.workers["s"].cursor.dead_letters()
            assert aside.event.id == "2-0"
            assert aside.reason.startswith(reason)
            await bench.dispatcher.stop()
            store.close()

        run(body(), "max")


def tried_for_long(script: Script) -> bool:
    return script.attempts["1-0"] >= 20


def test_a_sink_that_is_down_sets_nothing_aside() -> None:
    async def body() -> None:
        store = Database(None)
        for script in (Script(lanes=4), Together()):
            script.answer = lambda _event, _attempt: Retry("down")
            bench = Bench(store, {"s": script})
            await bench.add([event(n, "AB"[n % 2]) for n in range(1, 5)])
            await script.until(partial(tried_for_long, script))
            assert await bench.dispatcher.workers["s"].cursor.dead_letter_count() == 0
            script.answer = lambda _event, _attempt: Delivered()
            await bench.reached("s", 4)
            assert sorted(script.taken) == ids(range(1, 5))
            await bench.dispatcher.stop()
            store.close()
            store = Database(None)
        store.close()

    run(body(), "max")


def test_pause_resume_and_again(tmp_path: Path) -> None:
    async def first() -> None:
        store = Database(tmp_path)
        script = Script()
        bench = Bench(store, {"s": script})
        worker = bench.dispatcher.workers["s"]
        await bench.add([event(1), event(2)])
        await bench.reached("s", 2)
        await worker.pause()
        await bench.add([event(3), event(4)])
        await asyncio.sleep(100)
        row = await bench.status()
        assert (script.taken, row.paused, row.backlog) == (ids([1, 2]), True, 2)
        await bench.dispatcher.stop()
        store.close()

    async def second() -> None:
        store = Database(tmp_path)
        script = Script(lambda _event, attempt: Retry("down") if attempt == 1 else Delivered())
        bench = Bench(store, {"s": script})
        worker = bench.dispatcher.workers["s"]
        await asyncio.sleep(100)
        assert script.attempts == {}  # still paused after the restart
        await worker.resume()
        await bench.reached("s", 4)
        assert script.taken == ids([3, 4])
        worker.redeliver(1)
        await script.until(lambda: len(script.taken) == 5)
        assert script.taken[2:] == ids([2, 3, 4])
        await bench.dispatcher.stop()
        store.close()

    run(first(), "max")
    run(second(), "max")


def test_resume_cuts_a_long_wait_short() -> None:
    async def body() -> None:
        store = Database(None)
        up = False
        script = Script(lambda _event, _attempt: Delivered() if up else Retry("down"))
        bench = Bench(store, {"s": script})
        await bench.add([event(1)])
        await script.until(lambda: script.attempts["1-0"] == 12)  # waits of a minute by now
        up = True
        begun_s = asyncio.get_running_loop().time()
        await bench.dispatcher.workers["s"].resume()
        await script.until(lambda: script.taken == ["1-0"])
        assert asyncio.get_running_loop().time() - begun_s < 1
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_what_a_filter_lets_pass() -> None:
    async def body() -> None:
        store = Database(None)
        script = Script()
        wanted = Filter(["ups.*", "bmc.notice"], ["UPS1"], Severity.WARNING)
        bench = Bench(store, {"s": script}, wanted)
        rows = [
            ("UPS1", "ups.input.lost", "warning"),
            ("UPS1", "ups.input.restored", "info"),
            ("UPS2", "ups.input.lost", "critical"),
            ("UPS1", "bmc.notice", "critical"),
            ("UPS1", "bmc.noticed", "critical"),
            ("UPS1", "upsy", "critical"),
        ]
        await bench.add([event(n, *row) for n, row in enumerate(rows, start=1)])
        await bench.reached("s", 6)
        row = await bench.status()
        assert (script.taken, row.delivered, row.filtered, row.backlog) == (ids([1, 4]), 2, 4, 0)
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_events_that_come_while_lanes_end_are_not_forgotten() -> None:
    async def body() -> None:
        store = Database(None)
        sinks = {"one": Script(), "many": Script(lanes=4)}
        bench = Bench(store, sinks)
        for number in range(1, 600):
            await bench.add([event(number, "ABC"[number % 3])])
            if number % 7 == 0:
                await asyncio.sleep(0)
        for name, sink in sinks.items():
            await bench.reached(name, 599)
            assert len(sink.taken) == 599
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([1, 2, 8]),
    st.sampled_from([0, 1, 2, 7]),
)
def test_any_failures_lose_nothing_and_keep_the_order_of_each_device(
    plan: list[tuple[str, int, bool]], lanes: int, batch: int
) -> None:
    """Each event fails so many times and is then taken, or refused for good."""

    def answer(item: Event, attempt: int) -> Outcome:
        _, failures, refused = plan[item.data["n"] - 1]
        if attempt <= failures:
            return Retry("not yet")
        return Reject("never") if refused else Delivered()

    async def body() -> None:
        store = Database(None)
        script = Together(answer, batch) if batch else Script(answer, lanes)
        bench = Bench(store, {"s": script})
        await bench.add([event(n, subject) for n, (subject, _, _) in enumerate(plan, start=1)])
        await bench.reached("s", len(plan))
        for device in "ABC":
            mine = [n for n, (subject, _, _) in enumerate(plan, start=1) if subject == device]
            taken = [one for one in script.taken if one in ids(mine)]
            assert taken == ids(n for n in mine if not plan[n - 1][2])
        aside = await bench.dispatcher.workers["s"].cursor.dead_letters()
        assert [item.seq for item in aside] == [n for n, row in enumerate(plan, start=1) if row[2]]
        await bench.dispatcher.stop()
        store.close()

    run(body(), "max")


def test_templates() -> None:
    one = event(7)
    assert filled("{subject}: {data.text}", one) == "UPS1: text 7"
    assert shown("{subject} {data.nothing}", one) == "UPS1 -"
    assert document({"n": "{data.n}", "all": ["{id}", {"x": "{type}!"}], "k": 1}, one) == {
        "n": 7,
        "all": ["7-0", {"x": "t!"}],
        "k": 1,
    }
    assert one_line("a\nb\x00c\u2028d") == "a b c d"
