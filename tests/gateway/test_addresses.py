"""A name with several addresses, of which some refuse, keep silent, or cannot be reached: every way to send and to ask."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.deliver.convert import ForwardFormat, SenderPolicy, SnmpForm
from ridethrough.gateway.deliver.destination import Destination
from ridethrough.gateway.deliver.forward import Forwarder, ForwardProgress
from ridethrough.gateway.deliver.sinks.base import Delivered
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink
from ridethrough.gateway.deliver.v3_sender import ForwardUser, V3Sender
from ridethrough.gateway.devices.udp import Asker
from ridethrough.gateway.net.addresses import Address, Choice, bound_streams, resolve, split_place
from ridethrough.gateway.net.datagrams import REFUSAL_S, Datagrams
from ridethrough.gateway.receive import Listener, ListenError
from ridethrough.gateway.records import Arrival, EngineIdentity, Event, Record, RecordKind
from ridethrough.rigs.clock import run
from ridethrough.rigs.doctor import _bindable
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind, Pdu, secure
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped
from tests.support.clients import find
from tests.support.isolation import own_network
from tests.support.names import NAME, USER, Manager, family, has_ipv6, manager, named, silent_stream
from tests.support.sites import octets

UNREACHED = "2001:db8::1"  # for documents (RFC 3849); a network of our own has no route there
PAIRS = [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("127.0.7.1", "127.0.7.2")]
PATIENCE_S = 30.0


def event(number: int) -> Event:
    data = {"text": str(number), "severity": "info"}
    return Event(f"{number}-0", "ups.input.lost", "/t", "UPS1", "2026-01-01T00:00:00.000Z", data)


def without_ipv6(patch: pytest.MonkeyPatch) -> None:
    """As after `ipv6.disable=1` on the kernel's command line."""

    class Four(socket.socket):
        def __init__(self, family: int = -1, *rest: Any, **words: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *rest, **words)

    patch.setattr(socket, "socket", Four)


class Way(ABC):
    """One way to send numbers to a name."""

    acknowledged = True  # whether silence is noticed
    virtual = True  # whether time may jump

    def __init__(self, port: int) -> None:
        self.port = port

    @abstractmethod
    async def send(self, *numbers: int) -> None:
        """Returns when they are delivered, as far as this way knows that."""

    @abstractmethod
    async def close(self) -> None: ...

    def serve(self, address: str) -> AbstractAsyncContextManager[list[int]]:
        return manager(address, self.port)

    def silence(self, address: str) -> AbstractAsyncContextManager[list[int]]:
        return manager(address, self.port, mute=True)


class ForwardWay(Way):
    target: ClassVar[ForwardFormat] = ForwardFormat()
    kind: ClassVar[Kind] = Kind.TRAP_V2

    def __init__(self, port: int) -> None:
        super().__init__(port)
        v3_sender = V3Sender(ForwardUser(USER), bytes) if self.target.form is SnmpForm.V3 else None
        self.destination = Destination(NAME, port, self.target, "", v3_sender)
        self.destination.set_engine(EngineIdentity(b"\x80\x00\x1f\x88\x04gateway", 1, 0))
        policy = SenderPolicy(lambda: frozenset({b"public"}), lambda _data, _source: None)
        self.forwarder = Forwarder(NoCursors(), lambda: read_nothing, {"nms": self.destination}, policy, lambda: 0.5)  # type: ignore[arg-type]
        self.progress = ForwardProgress()
        self.opened = False

    async def send(self, *numbers: int) -> None:
        while not self.opened:
            await self.destination.open()
            self.opened = True
        records = [
            Record(n, Arrival(0, RecordKind.DATAGRAM, octets(n, n, self.kind), "", "192.0.2.1", 9)) for n in numbers
        ]
        await self.forwarder._forward(records, self.destination, self.progress)

    async def close(self) -> None:
        self.destination.close()


class NoCursors:
    def cursor(self, name: str) -> None:
        return None


async def read_nothing(_position: int, _limit: int) -> list[Record]:
    return []


class Trap(ForwardWay):
    acknowledged = False


class TrapV3(ForwardWay):
    acknowledged = False
    target = ForwardFormat(SnmpForm.V3)


class Inform(ForwardWay):
    target = ForwardFormat(SnmpForm.V2C, inform=True)


class InformAsItCame(ForwardWay):
    kind = Kind.INFORM


class InformV3(ForwardWay):
    target = ForwardFormat(SnmpForm.V3, inform=True)


class SinkWay(Way):
    """Tried again at once until it takes the event, as the worker does with its waits."""

    sink: Any

    async def send(self, *numbers: int) -> None:
        for number in numbers:
            while await self.sink.deliver(event(number)) != Delivered():
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.sink.close()


class SyslogUdp(SinkWay):
    acknowledged = False

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sink = SyslogSink((NAME, port), "udp", "daemon")


class SyslogTcp(SinkWay):
    virtual = False

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sink = SyslogSink((NAME, port), "tcp", "daemon")

    @asynccontextmanager
    async def serve(self, address: str) -> AsyncIterator[list[int]]:
        got: list[int] = []
        writers = []

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            try:
                while True:
                    length = int(await reader.readuntil(b" "))
                    got.append(int((await reader.readexactly(length)).rpartition(b" ")[2]))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(hear, address, self.port)
        try:
            yield got
        finally:
            server.close()
            for writer in writers:
                writer.close()
            await asyncio.sleep(0.05)  # the other side hears of it

    def silence(self, address: str) -> AbstractAsyncContextManager[list[int]]:
        return silent_stream(address, self.port)


class Webhook(SinkWay):
    virtual = False

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sink = WebhookSink(f"http://{NAME}:{port}/hook", None, 5, lambda: 0)

    @asynccontextmanager
    async def serve(self, address: str) -> AsyncIterator[list[int]]:
        got: list[int] = []

        async def hook(request: web.Request) -> web.Response:
            got.append(int((await request.json())["data"]["text"]))
            return web.Response()

        application = web.Application()
        application.router.add_post("/hook", hook)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, address, self.port).start()
        try:
            yield got
        finally:
            await runner.cleanup()

    def silence(self, address: str) -> AbstractAsyncContextManager[list[int]]:
        return silent_stream(address, self.port)


WAYS = [Trap, TrapV3, Inform, InformAsItCame, InformV3, SyslogUdp, SyslogTcp, Webhook]


@pytest.fixture(params=PAIRS, ids="+".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    first, second = request.param
    if not has_ipv6():  # then an address of IPv6 is one that cannot be reached, and the other one has to do
        return ("::1", "127.0.0.1") if "::1" in request.param else (first, second)
    return first, second


def play(way: type[Way], body: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await body

    run(bounded(), "max" if way.virtual else 1)


async def arrived(got: list[int], *wanted: int) -> None:
    """In this order; the same one may come more than once."""
    async with asyncio.timeout(10):
        while list(dict.fromkeys(got)) != list(wanted):
            await asyncio.sleep(0.01)


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
        sender = way(free_port())
        async with sender.serve("127.0.7.4") as got:
            await sender.send(1, 2, 3)
            await arrived(got, 1, 2, 3)
            await sender.close()

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
        sender = way(free_port())
        async with sender.serve("127.0.0.1") as got:
            await sender.send(1, 2, 3)
            await arrived(got, 1, 2, 3)
            await sender.close()

    play(way, body())


@pytest.mark.parametrize("way", WAYS)
def test_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch, way: type[Way]) -> None:
    async def body() -> None:
        without_ipv6(monkeypatch)
        named(monkeypatch, "::1", "127.0.0.1")
        sender = way(free_port())
        async with sender.serve("127.0.0.1") as got:
            await sender.send(1, 2, 3)
            await arrived(got, 1, 2, 3)
            await sender.close()

    play(way, body())


async def test_what_binds_on_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, or the other addresses of the name; devices of IPv6 do not answer."""
    without_ipv6(monkeypatch)
    named(monkeypatch, "::1", "127.0.0.1")
    with pytest.raises(ListenError, match=r"::1:\d+/udp cannot be bound: this machine has no IPv6$"):
        Listener("::1", free_port(), (), lambda: 0, lambda _arrivals: None)
    (made,) = bound_streams(await resolve(NAME, 0))
    made.close()
    with pytest.raises(OSError, match="Address family not supported"):
        bound_streams(await resolve("::1", 0))
    port = free_port()
    assert _bindable(NAME, port, socket.SOCK_STREAM, "HTTP").verdict == "ok"
    assert _bindable("::1", port, socket.SOCK_STREAM, "HTTP").verdict == "failed"
    asker = Asker(lambda _data, _source: None)
    asker.send(b"?", "::1", port)
    asker.close()


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


def test_many_sources_find_the_address_that_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred informers at once, of which each keeps its order; the first two addresses fail in two ways."""

    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2", "127.0.7.3")
        sender = Inform(free_port())
        async with sender.silence("127.0.7.1") as lost, sender.serve("127.0.7.3") as got:
            await sender.destination.open()
            sender.opened = True
            await asyncio.gather(*(sender.send(*range(base, base + 5)) for base in range(0, 1000, 5)))
            first = list(dict.fromkeys(got))
            assert sorted(first) == list(range(1000))
            for base in range(0, 1000, 5):
                assert [number for number in first if base <= number < base + 5] == list(range(base, base + 5))
            assert len(lost) == 200  # one of each source
            await sender.close()

    play(Inform, body())


def room_for(receiver: socket.socket) -> int:
    """How many small datagrams a socket holds whose buffer was made as large as this user may make it."""
    try:
        receiver.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    return receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 1536  # each takes its skb, too


def test_a_burst_of_traps_meets_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand without a pause of the loop; the manager moves from one address to the other in between.

    A user's buffer holds fewer, as the system limits it.
    """

    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2")
        sender = Trap(free_port())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
            last = 1000 + min(10_000, room_for(second))
            async with sender.serve("127.0.7.1") as got:
                for base in range(0, 1000, 100):
                    await sender.send(*range(base, base + 100))
                    await arrived(got, *range(base + 100))
            second.bind(("127.0.7.2", sender.port))
            await sender.send(*range(1000, last))
            second.setblocking(False)
            loop = asyncio.get_running_loop()
            from ridethrough.wire.snmp import decode
            from tests.support.names import number_of

            seen = [number_of(decode(await loop.sock_recv(second, 2000)).pdu)]
            while seen[-1] != last - 1:
                seen.append(number_of(decode(await loop.sock_recv(second, 2000)).pdu))
            assert [number for number in dict.fromkeys(seen) if number >= 1000] == list(range(1000, last))
            assert not sender.destination.take_lost()
            await sender.close()

    play(Trap, body())


def test_a_trap_goes_to_whichever_listens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon after all had refused, and without a lookup."""

    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2", "127.0.7.3")
        sender = Trap(free_port())
        await sender.send(1)
        for number, address in enumerate(("127.0.7.3", "127.0.7.1", "127.0.7.2"), start=2):
            await asyncio.sleep(0.1)
            async with sender.serve(address) as got:
                await sender.send(number)
                async with asyncio.timeout(10):
                    while got[-1:] != [number]:  # those before it may come once more
                        await asyncio.sleep(0.01)
                assert not sender.destination._datagrams.exhausted
        await sender.close()

    play(Trap, body())


@pytest.mark.parametrize("way", [Inform, InformAsItCame, InformV3])
@pytest.mark.parametrize("silent", [False, True])
def test_the_next_address_is_tried_without_a_wait(
    monkeypatch: pytest.MonkeyPatch, way: type[Way], silent: bool
) -> None:
    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2")
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            sender = way(free_port())
            if silent:
                await stack.enter_async_context(sender.silence("127.0.7.1"))
            await stack.enter_async_context(sender.serve("127.0.7.2"))
            begun_s = loop.time()
            await sender.send(1)
            assert loop.time() - begun_s < (1.6 if silent else 0.1)
            await sender.close()

    play(way, body())


def test_the_engine_of_the_address_before_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first manager tells its engine and acknowledges nothing; a late word of it does not count."""

    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2")
        sender = InformV3(free_port())
        async with manager("127.0.7.1", sender.port, acknowledges=False) as lost, sender.silence("127.0.7.2"):
            early = asyncio.create_task(sender.send(1))
            await asyncio.sleep(2)
            assert set(lost) == {1}
            destination, v3_sender = sender.destination, sender.destination._v3_sender
            assert v3_sender is not None
            first, second = destination._datagrams.addresses
            assert (destination.address, v3_sender.receiver) == (second, None)
            engine = Manager.ENGINE + b"127.0.7.1"
            late = Header(2, 65507, Flags.NONE, engine, 1, 1, USER)
            destination._receive(
                secure.seal(late, Scoped(engine, b"", Pdu(Kind.REPORT, 2, 0, 0, ())), Keys(), b""), first
            )
            assert v3_sender.receiver is None
            early.cancel()
            await asyncio.gather(early, return_exceptions=True)
            await sender.close()

    play(InformV3, body())


def test_refusals_do_not_keep_the_loop_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2")
        reads: list[Address] = []
        real = Datagrams._drain

        def counted(self: Datagrams, path: Any) -> None:
            reads.append(path.address)
            real(self, path)

        monkeypatch.setattr(Datagrams, "_drain", counted)
        sender = Trap(free_port())
        async with sender.serve("127.0.7.2") as got:
            await sender.send(*range(20))
            await arrived(got, *range(20))
            await asyncio.sleep(0.5)
            assert len(reads) < 20
            await sender.close()

    asyncio.run(body())


@pytest.mark.parametrize("way", [Trap, SyslogUdp])
def test_a_host_that_is_gone_from_the_same_network(monkeypatch: pytest.MonkeyPatch, way: type[Way]) -> None:
    """The kernel looks for it for three seconds; what was sent until then goes to the other address."""

    async def body() -> None:
        named(monkeypatch, "198.51.100.2", "127.0.0.1")
        sender = way(free_port())
        async with sender.serve("127.0.0.1") as got:
            for number in range(5):
                await sender.send(number)
                await asyncio.sleep(0.2)
            await arrived(got, 0, 1, 2, 3, 4)
            await sender.close()

    def inside() -> None:
        try:
            own_network()  # of this thread
            for words in (
                "link add v0 type veth peer name v1",
                "addr add 198.51.100.1/24 dev v0",
                "link set v0 up",
                "link set v1 up",
            ):
                subprocess.run([find("ip"), *words.split()], check=True)
            asyncio.run(body())
        except BaseException as error:
            failures.append(error)

    failures: list[BaseException] = []
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert not failures, failures


def test_a_full_buffer_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the kernel says that it has no room, datagrams wait in their order."""

    class Narrow:
        def __init__(self, real: socket.socket) -> None:
            self.fileno, self.close, self.recvmsg = real.fileno, real.close, real.recvmsg
            self.room, self.sent = 0, list[int]()

        def send(self, data: bytes) -> None:
            if not self.room:
                raise BlockingIOError
            self.room -= 1
            self.sent.append(data[0])

    async def body() -> None:
        named(monkeypatch, "127.0.7.1", "127.0.7.2")
        out = Datagrams(NAME, free_port())
        await out.open()
        assert out._path is not None
        out._path.socket = narrow = Narrow(out._path.socket)  # type: ignore[assignment]
        narrow.room = 2
        for number in range(8):
            out.send(bytes((number,)))
        assert narrow.sent == [0, 1]
        for room in (3, 0, 1, 9):
            narrow.room = room
            await asyncio.sleep(0.01)
            out.send(bytes((8 + len(narrow.sent),)))
        await asyncio.sleep(0.01)
        assert narrow.sent[:8] == list(range(8))
        assert len(narrow.sent) == 12
        out.close()

    asyncio.run(body())


# --- the choice by itself ---------------------------------------------------------------------------------------------


def places(count: int) -> tuple[Address, ...]:
    return tuple(Address(socket.AF_INET, (f"192.0.2.{number}", 162)) for number in range(count))


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["failed", "worked", "renew", "exhaust"])), max_size=60),
)
def test_the_choice(count: int, steps: list[tuple[int, str]]) -> None:
    """Against a plain model: a set of those that failed since one worked."""
    known = places(count)
    choice = Choice()
    choice.renew(known)
    failed: set[Address] = set()
    for number, step in steps:
        address, current = known[number % count], choice.current
        if step == "failed":
            choice.failed(address)
            if address == current:
                failed.add(address)
        elif step == "exhaust":
            choice.exhaust()
            failed |= set(known)
        elif step == "worked":
            choice.worked(address)
            if address == current:
                failed.clear()
        else:
            exhausted = choice.exhausted
            choice.renew(known)
            assert choice.current == (known[0] if exhausted else current)
            failed.clear()
        assert choice.current in known
        assert choice.exhausted is (len(failed) == count)
        if not choice.exhausted:
            assert choice.current not in failed


def test_before_and_after_a_lookup() -> None:
    choice = Choice()
    assert (choice.current, choice.exhausted) == (None, True)
    choice.failed(None)
    choice.worked(None)
    first, second, third = places(3)
    choice.renew((first, second, first))
    assert choice.addresses == (first, second)
    choice.failed(first)
    choice.renew((third, second))
    assert choice.current == second
    choice.renew((first, third))
    assert choice.current == first


async def test_addresses_need_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_args: Any, **_words: Any) -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert await resolve("192.0.2.1", 5) == (Address(socket.AF_INET, ("192.0.2.1", 5)),)
    assert await resolve("2001:db8::1", 5) == (Address(socket.AF_INET6, ("2001:db8::1", 5, 0, 0)),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("card", ("card", 161)),
        ("card:1161", ("card", 1161)),
        ("192.0.2.1:1161", ("192.0.2.1", 1161)),
        ("2001:db8::1", ("2001:db8::1", 161)),
        ("[2001:db8::1]", ("2001:db8::1", 161)),
        ("[2001:db8::1]:1161", ("2001:db8::1", 1161)),
    ],
)
def test_places(text: str, place: tuple[str, int]) -> None:
    assert split_place(text, 161) == place


@pytest.mark.parametrize("text", ["", ":1", "card:0", "card:65536", "card:x", "[::1]x", "[]:5", "[::1]:"])
def test_no_places(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST"):
        split_place(text, 161)


def test_families() -> None:
    assert [family(address) for address in ("::1", "127.0.0.1")] == [socket.AF_INET6, socket.AF_INET]
