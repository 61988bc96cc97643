"""A name with several addresses, as the resolver would give it, and what may stand at each of them."""

from __future__ import annotations

import asyncio
import selectors
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ridethrough.wire.snmp import Kind, Pdu, TrapV1, decode, encode, secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped

NAME = "twin.test"
USER = b"mgr"


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def named(patch: pytest.MonkeyPatch, *addresses: str) -> Callable[..., None]:
    """Let `NAME` have these addresses, in this order; what is returned changes them."""
    known = list(addresses)
    real = socket.getaddrinfo

    def found(host: Any, port: Any, *args: int, **words: int) -> Any:
        if host not in (NAME, NAME.encode()):
            return real(host, port, *args, **words)
        wanted = dict(zip(("family", "type", "proto", "flags"), args, strict=False)) | words
        rows = []
        for address in known:
            if wanted.get("family", 0) in (0, family(address)):
                place = (address, port, 0, 0) if ":" in address else (address, port)
                kind = socket.SocketKind(wanted.get("type", 0) or socket.SOCK_STREAM)
                rows.append((family(address), kind, wanted.get("proto", 0), "", place))
        if not rows:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return rows

    patch.setattr(socket, "getaddrinfo", found)
    return lambda *new: known.__setitem__(slice(None), new)


def has_ipv6() -> bool:
    """Whether this machine's loopback has ::1."""
    try:
        with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def number_of(pdu: Pdu | TrapV1) -> int:
    """What `tests.support.sites.octets` put into a notification."""
    (value,) = (bind.value for bind in pdu.varbinds if str(bind.oid) == "1.3.6.1.4.1.99999.0.1.1")
    assert isinstance(value, int)
    return value


class Manager(asyncio.DatagramProtocol):
    """Takes notifications of versions 2c and 3 and syslog messages, and acknowledges informs unless it is mute."""

    ENGINE = b"\x80\x00\x1f\x88\x04twin"

    def __init__(self, got: list[int], *, mute: bool) -> None:
        self.got = got
        self.mute = mute

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data.startswith(b"<"):
            self.got.append(int(data.rpartition(b" ")[2].removeprefix(b"\xef\xbb\xbf")))
        elif v3.is_v3(data):
            self._sealed(data, addr)
        else:
            message = decode(data)
            assert isinstance(message.pdu, Pdu)
            self.got.append(number_of(message.pdu))
            if message.pdu.kind is Kind.INFORM and not self.mute:
                self.transport.sendto(encode(message._replace(pdu=message.pdu._replace(kind=Kind.RESPONSE))), addr)

    def _sealed(self, data: bytes, addr: Any) -> None:
        message = v3.decode(data)
        payload = secure.plain(message, Keys())
        assert payload is not None
        scoped = v3.decode_scoped(payload)
        if not message.header.engine_id:
            self._answer(message.header, Pdu(Kind.REPORT, scoped.pdu.request_id, 0, 0, ()), addr)
            return
        self.got.append(number_of(scoped.pdu))
        if scoped.pdu.kind is Kind.INFORM:
            assert message.header.engine_id == self.engine
            self._answer(message.header, scoped.pdu._replace(kind=Kind.RESPONSE), addr)

    @property
    def engine(self) -> bytes:
        """Another one at each address."""
        return self.ENGINE + str(self.transport.get_extra_info("sockname")[0]).encode()

    def _answer(self, asked: Header, pdu: Pdu, addr: Any) -> None:
        if not self.mute:
            header = Header(asked.message_id, 65507, Flags.NONE, self.engine, 1, 1, asked.user)
            self.transport.sendto(secure.seal(header, Scoped(self.engine, b"", pdu), Keys(), b""), addr)


@asynccontextmanager
async def manager(address: str, port: int, *, mute: bool = False) -> AsyncIterator[list[int]]:
    """Somebody who takes datagrams; what has come so far."""
    got: list[int] = []
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Manager(got, mute=mute), local_addr=(address, port), family=family(address)
    )
    try:
        yield got
    finally:
        transport.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def silent_stream(address: str, port: int) -> AsyncIterator[list[int]]:
    """A TCP port whose queue is full: the kernel answers no further connection, as if a firewall swallowed it."""
    with closing(socket.create_server((address, port), family=family(address), backlog=0)) as server:
        clients = []
        server.setblocking(False)
        for _ in range(4):
            client = socket.socket(family(address), socket.SOCK_STREAM)
            client.setblocking(False)
            client.connect_ex((address, port))
            clients.append(client)
        try:
            yield []
        finally:
            for client in clients:
                client.close()


@contextmanager
def relay(address: str, to: tuple[str, int]) -> Iterator[int]:
    """A UDP port of `address` behind which `to` answers, for devices that have no address of that family."""
    with (
        socket.socket(family(address), socket.SOCK_DGRAM) as front,
        socket.socket(family(to[0]), socket.SOCK_DGRAM) as back,
        selectors.DefaultSelector() as selector,
    ):
        front.bind((address, 0))
        back.connect(to)
        ended, end = socket.socketpair()
        clients: list[Any] = []

        def work() -> None:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is ended:
                        return
                    with suppress(ConnectionRefusedError):
                        if key.fileobj is front:
                            data, client = front.recvfrom(65535)
                            clients[:] = [client]  # whoever asked last
                            back.send(data)
                        else:
                            front.sendto(back.recv(65535), clients[0])

        for part in (front, back, ended):
            selector.register(part, selectors.EVENT_READ)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield front.getsockname()[1]
        finally:
            end.close()
            thread.join()
            ended.close()


def with_hosts(folder: Path, text: str) -> list[str]:
    """What stands before a command so that it has an /etc/hosts of its own, where this process may mount."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here: run as root, or allow user namespaces")
    place = folder / "hosts"
    place.write_text(text)
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(place)]
