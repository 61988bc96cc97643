from __future__ import annotations

import asyncio
import socket
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ridethrough.rigs.clock import Clock, JumpingLoop, ScaledLoop, Speed, UnpacedError, paced, parse_speed, run


def test_at_full_speed_nobody_waits() -> None:
    async def body() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(764)
        return asyncio.get_running_loop().time() - begun

    begun = time.monotonic()
    assert run(body(), "max") == pytest.approx(764)
    assert time.monotonic() - begun < 1


def test_a_datagram_is_heard_at_the_instant_it_was_sent() -> None:
    async def body() -> list[float]:
        loop = asyncio.get_running_loop()
        heard: list[float] = []
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("127.0.0.1", 0))
            receiver.setblocking(False)
            loop.add_reader(receiver, lambda: heard.append((receiver.recv(10), loop.time())[1]))
            for _ in range(100):
                await asyncio.sleep(5)
                sender.sendto(b"x", receiver.getsockname())
            await asyncio.sleep(1)
            loop.remove_reader(receiver)
        return heard

    assert run(body(), "max") == pytest.approx([5.0 * n for n in range(1, 101)])


def test_time_stands_still_while_a_thread_works() -> None:
    async def body() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        other = asyncio.create_task(asyncio.sleep(3600))
        with ThreadPoolExecutor(1) as pool:
            barrier = asyncio.Event()
            loop.call_soon(barrier.set)
            await loop.run_in_executor(pool, sum, range(2_000_000))
        other.cancel()
        return loop.time()

    assert run(body(), "max") == 0


def test_a_factor_scales_the_clock() -> None:
    async def body() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(10)
        return asyncio.get_running_loop().time() - begun

    begun = time.monotonic()
    assert run(body(), 100) == pytest.approx(10, abs=2)
    assert 0.09 < time.monotonic() - begun < 2


class Own(asyncio.SelectorEventLoop):
    """As a project may have one."""


@pytest.mark.parametrize("kind", [asyncio.SelectorEventLoop, Own])
@pytest.mark.parametrize(("speed", "pacing"), [("max", JumpingLoop), (1000, ScaledLoop)])
def test_a_loop_runs_at_another_speed_for_a_while_and_then_as_before(
    kind: type[asyncio.AbstractEventLoop], speed: Speed, pacing: type
) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        passed: list[str] = []
        loop.call_later(3600, passed.append, "an hour, from before")
        for _ in range(2):
            begun = time.monotonic()
            with paced(loop, speed):
                assert isinstance(loop, pacing) and isinstance(loop, kind)
                from_here = loop.time()
                loop.call_later(90, passed.append, "90 s")
                kept = loop.call_later(130.2, passed.append, "0.2 s after")
                await asyncio.sleep(100)
                assert passed == ["90 s"]
                assert 100 <= loop.time() - from_here < 130
                await asyncio.to_thread(sum, range(1000))
                left = kept.when() - loop.time()
            assert type(loop) is kind
            assert time.monotonic() - begun < 5
            assert abs(loop.time() - time.monotonic()) < 1
            assert kept.when() - loop.time() == pytest.approx(left, abs=5)
            begun = time.monotonic()
            await asyncio.sleep(0.05)
            assert 0.04 < time.monotonic() - begun < 5
            kept.cancel()
            passed.clear()

    with asyncio.Runner(loop_factory=kind) as runner:
        runner.run(body())


def test_time_that_jumps_begins_at_zero_on_any_loop() -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        sleeper = asyncio.create_task(asyncio.sleep(1800))
        await asyncio.sleep(0)
        with paced(loop, "max"):
            assert loop.time() == 0
            await sleeper
            assert loop.time() == pytest.approx(1800, abs=1)

    asyncio.run(body())


def test_a_loop_that_is_not_asyncios_is_left_alone() -> None:
    class Foreign(asyncio.AbstractEventLoop):
        pass

    loop = Foreign()  # type: ignore[abstract]  # every method is refused
    with paced(loop, 1):
        pass
    with (
        pytest.raises(UnpacedError, match=r"Foreign knows only the wall clock: speed=1, or a loop"),
        paced(loop, "max"),
    ):
        pass


def test_unix_time_runs_with_the_loop() -> None:
    async def body() -> int:
        clock = Clock(1000)
        await asyncio.sleep(2.5)
        return clock.unix_ms()

    assert run(body(), "max") == 1_002_500


@pytest.mark.parametrize(("text", "speed"), [("max", "max"), ("1", 1.0), ("0.5", 0.5), ("100", 100.0)])
def test_speeds(text: str, speed: object) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "1e9", "nan"])
def test_no_speeds(text: str) -> None:
    with pytest.raises(ValueError):
        parse_speed(text)


@pytest.mark.parametrize("speed", ["max", 10_000.0, 1_000.0])
@pytest.mark.parametrize("threads", [1, 3])
def test_threads_that_outlast_the_run_are_joined_by_the_wall_clock(speed: Speed, threads: int) -> None:
    ended: list[None] = []

    def job() -> None:
        time.sleep(0.4)  # the work of a thread, which no clock of ours can shorten
        ended.append(None)

    async def body() -> None:
        jobs = [asyncio.create_task(asyncio.to_thread(job)) for _ in range(threads)]
        await asyncio.sleep(0)
        for task in jobs:
            task.cancel()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(body(), speed)
    assert len(ended) == threads
