"""Every way to send to a name, of whose addresses some refuse, are silent or cannot be reached."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ridethrough.gateway.net.udp_sender import REFUSAL_S
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.names import has_ipv6, named
from tests.support.ways import (
    WAYS,
    ForwardWay,
    Inform,
    InformV3,
    SyslogTcp,
    Trap,
    Way,
    Webhook,
    arrived,
    play,
    without_ipv6,
)

UNREACHED = "2001:db8::1"  # for documents (RFC 3849); a network of our own has no route there
PAIRS = [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("127.0.7.1", "127.0.7.2")]


@pytest.fixture(params=PAIRS, ids="+".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    first, second = request.param
    if not has_ipv6():  # then an address of IPv6 is one that cannot be reached, and the other one has to do
        return ("::1", "127.0.0.1") if "::1" in request.param else (first, second)
    return first, second


async def all_arrive(way: type[Way], listening: str) -> None:
    """Whatever else the name stands for, what is sent comes to the one address that listens."""
    sender = way(free_port())
    async with sender.serve(listening) as got:
        await sender.send(1, 2, 3)
        await arrived(got, 1, 2, 3)
        await sender.close()


@pytest.mark.parametrize("way", WAYS)
def test_the_first_refuses(monkeypatch: pytest.MonkeyPatch, way: type[Way], pair: tuple[str, str]) -> None:
    async def body() -> None:
        named(monkeypatch, *pair)
        sender = way(free_port())
        async with sender.serve(pair[1]) as got:
            await sender.send(1, 2, 3)
            await arrived(got, 1, 2, 3)
            await sender.send(4)
            await arrived(got, 1, 2, 3, 4)
            await sender.close()

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_only_the_last_of_four_listens(monkeypatch: pytest.MonkeyPatch, way: type[Way]) -> None:
    async def body() -> None:
        named(monkeypatch, *(f"127.0.7.{number}" for number in range(1, 5)))
        await all_arrive(way, "127.0.7.4")

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_the_first_is_silent(monkeypatch: pytest.MonkeyPatch, way: type[Way], pair: tuple[str, str]) -> None:
    """Whoever waits for an answer goes on to the second; of the others nobody can know."""
    if pair[0] == "::1" and not has_ipv6():
        pair = ("127.0.7.1", "127.0.7.2")

    async def body() -> None:
        named(monkeypatch, *pair)
        sender = way(free_port())
        async with sender.silence(pair[0]) as lost, sender.serve(pair[1]) as got:
            await sender.send(1, 2, 3)
            await arrived(got if way.acknowledged else lost, 1, 2, 3)
            count = len(lost)
            await sender.send(4)
            await arrived(got if way.acknowledged else lost, 1, 2, 3, 4)
            assert len(lost) == count or not way.acknowledged  # what works is kept
            await sender.close()

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "found", [(UNREACHED, "127.0.0.1"), ("127.0.0.1", UNREACHED), (UNREACHED, "fe80::1", "127.0.0.1")]
)
def test_one_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, way: type[Way], found: tuple[str, ...]) -> None:
    async def body() -> None:
        named(monkeypatch, *found)
        await all_arrive(way, "127.0.0.1")

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch, way: type[Way]) -> None:
    async def body() -> None:
        without_ipv6(monkeypatch)
        named(monkeypatch, "::1", "127.0.0.1")
        await all_arrive(way, "127.0.0.1")

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_both_listen(monkeypatch: pytest.MonkeyPatch, way: type[Way], pair: tuple[str, str]) -> None:
    """The first one gets everything."""

    async def body() -> None:
        named(monkeypatch, *pair)
        sender = way(free_port())
        async with AsyncExitStack() as stack:
            got = {
                address: await stack.enter_async_context(sender.serve(address))
                for address in pair
                if has_ipv6() or ":" not in address
            }
            await sender.send(1, 2, 3)
            await arrived(next(iter(got.values())), 1, 2, 3)
            assert not any(list(got.values())[1:])
            await sender.close()

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_the_first_comes_back_later(monkeypatch: pytest.MonkeyPatch, way: type[Way], pair: tuple[str, str]) -> None:
    """The second is kept while it works; when it goes, the first is tried again."""
    if not has_ipv6():
        pair = ("127.0.7.1", "127.0.7.2")

    async def body() -> None:
        named(monkeypatch, *pair)
        sender = way(free_port())
        async with AsyncExitStack() as second:
            got = await second.enter_async_context(sender.serve(pair[1]))
            await sender.send(1)
            await arrived(got, 1)
            async with sender.serve(pair[0]) as back:
                await sender.send(2)
                await arrived(got, 1, 2)
                await asyncio.sleep(
                    REFUSAL_S + 1
                )  # longer than a refusal would take, so that the second counts as one that worked
                await second.aclose()
                await sender.send(3, 4)
                async with asyncio.timeout(10):
                    while back[-1:] != [4]:
                        await asyncio.sleep(0.01)
                assert list(dict.fromkeys(number for number in back if number > 2)) == [3, 4]
        await sender.close()

    play(way, body())


@pytest.mark.parametrize("listening", [0, 1])
@pytest.mark.parametrize("way", WAYS)
def test_nobody_listens_at_first(
    monkeypatch: pytest.MonkeyPatch, way: type[Way], pair: tuple[str, str], listening: int
) -> None:
    """What is acknowledged waits; a trap that all addresses refuse is lost and counted, and those after it are not."""
    if not has_ipv6():
        pair = ("127.0.7.1", "127.0.7.2")

    async def body() -> None:
        named(monkeypatch, *pair)
        sender = way(free_port())
        early = asyncio.create_task(sender.send(1))
        await asyncio.sleep(3)
        assert early.done() is not way.acknowledged
        async with sender.serve(pair[listening]) as got:
            if way.acknowledged:
                await early
                await arrived(got, 1)
            else:
                await sender.send(2, 3)
                await arrived(got, 2, 3)
                if isinstance(sender, ForwardWay):
                    assert sender.destination.take_lost() == {"nobody listens there": 1}
            await sender.close()

    play(way, body())


@pytest.mark.parametrize("way", [Trap, Inform, InformV3, SyslogTcp, Webhook])
def test_a_name_that_gets_other_addresses(monkeypatch: pytest.MonkeyPatch, way: type[Way]) -> None:
    """It is looked up again when all that were known have failed."""

    async def body() -> None:
        change = named(monkeypatch, "127.0.7.1", "127.0.7.2")
        sender = way(free_port())
        async with sender.serve("127.0.7.1") as got:
            await sender.send(1)
            await arrived(got, 1)
            await asyncio.sleep(11)  # aiohttp keeps what it found for ten seconds
        change("127.0.7.3")
        async with sender.serve("127.0.7.3") as got:
            for number in (2, 3, 4):
                await sender.send(number)
                await asyncio.sleep(0.1)
            await arrived(got, *([3, 4] if way is Trap else [2, 3, 4]))
            await sender.close()

    play(way, body())
