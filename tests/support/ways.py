"""Ways to send numbers to a name with several addresses: forwards, syslog, webhook."""

from __future__ import annotations

import asyncio
import errno
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar

import pytest
from aiohttp import web

from ridethrough.gateway.deliver.convert import ForwardFormat, SenderPolicy, SnmpForm
from ridethrough.gateway.deliver.forward import Forwarder, ForwardProgress
from ridethrough.gateway.deliver.forward_target import ForwardTarget
from ridethrough.gateway.deliver.sinks.base import Delivered
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink
from ridethrough.gateway.deliver.v3_sender import ForwardUser, V3Sender
from ridethrough.gateway.records import Arrival, EngineIdentity, Event, Record, RecordKind
from ridethrough.rigs.clock import run
from ridethrough.wire.snmp import Kind
from tests.support.names import NAME, USER, manager, silent_stream
from tests.support.sites import octets

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
        self.destination = ForwardTarget(NAME, port, self.target, "", v3_sender)
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
