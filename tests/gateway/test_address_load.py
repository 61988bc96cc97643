"""Forwards to a name under load, and while its addresses change: order, waits, full buffers."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ridethrough.gateway.net.addresses import Address
from ridethrough.gateway.net.udp_sender import UdpSender
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind, Pdu, decode, secure
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped
from tests.support.clients import find
from tests.support.isolation import own_network
from tests.support.names import NAME, USER, Manager, manager, named, number_of
from tests.support.ways import Inform, InformAsItCame, InformV3, SyslogUdp, Trap, Way, arrived, play


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
                assert not sender.destination._sender.exhausted
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
            first, second = destination._sender.addresses
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
        real = UdpSender._drain

        def counted(self: UdpSender, path: Any) -> None:
            reads.append(path.address)
            real(self, path)

        monkeypatch.setattr(UdpSender, "_drain", counted)
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
        out = UdpSender(NAME, free_port())
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
