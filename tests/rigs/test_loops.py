from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ridethrough.rigs.loops import Clock, JumpingLoop, parse_speed, run


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
