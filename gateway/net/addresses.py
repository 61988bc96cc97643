"""The addresses of a name, and which of them is used.

A name may have several addresses, of both families, of which only some are served or can be reached. They come in the
order of RFC 6724, into which the system's resolver sorts them. A stream is opened by RFC 8305, to whichever address
takes it. An `AddressSelector` says where datagrams go: to the first address until that fails, then to the next, and
when all have failed the name is looked up again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

HEAD_START_S = 0.25  # of an address before the next one is tried beside it (RFC 8305 section 5)

ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})  # what a machine without IPv6 says of its addresses


class Address(NamedTuple):
    """One address of a name, as the system's calls take it."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def host(self) -> str:
        """The IP address as text."""
        return str(self.sockaddr[0])


class AddressSelector:
    """Chooses the address in use. Pure."""

    def __init__(self) -> None:
        self.addresses: tuple[Address, ...] = ()
        self.exhausted = True  # all have failed since one worked; the name is to be looked up again
        self._at = 0
        self._failed = 0

    @property
    def current(self) -> Address | None:
        """The address in use; None before the first lookup."""
        return self.addresses[self._at] if self.addresses else None

    def renew(self, addresses: Sequence[Address]) -> None:
        """Set the result of a lookup: the address in use stays so if it works, otherwise the first one is used."""
        kept = None if self.exhausted else self.current
        self.addresses = tuple(dict.fromkeys(addresses))
        self._at = self.addresses.index(kept) if kept in self.addresses else 0
        self._failed = 0
        self.exhausted = not self.addresses

    def failed(self, address: Address | None) -> None:
        """Use the next address, as `address` refused or did not answer; nothing happens if it is not in use."""
        if address is None or address != self.current:
            return
        self._failed += 1
        self._at = (self._at + 1) % len(self.addresses)
        self.exhausted = self._failed >= len(self.addresses)

    def exhaust(self) -> None:
        """Count all addresses as failed."""
        self._failed = len(self.addresses)
        self.exhausted = True

    def worked(self, address: Address | None) -> None:
        """`address` has answered: the others may be tried once more when it fails."""
        if address is not None and address == self.current:
            self._failed = 0
            self.exhausted = False


async def resolve(host: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> tuple[Address, ...]:
    """All addresses of a name, the best first; the loop goes on meanwhile. Raises OSError."""
    literal = _literal(host, port)
    return literal or _distinct(await asyncio.get_running_loop().getaddrinfo(host, port, type=kind))


def resolve_now(host: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> tuple[Address, ...]:
    """Like `resolve`, for callers without a loop. Raises OSError."""
    return _literal(host, port) or _distinct(socket.getaddrinfo(host, port, type=kind))


def _literal(host: str, port: int) -> tuple[Address, ...]:
    """The address of an IP address as text; empty for names, and for zones, whose numbers only the system knows."""
    if "%" in host:
        return ()
    try:
        version = ip_address(host).version
    except ValueError:
        return ()
    return (Address(socket.AF_INET, (host, port)) if version == 4 else Address(socket.AF_INET6, (host, port, 0, 0)),)


def _distinct(found: Iterable[tuple[Any, ...]]) -> tuple[Address, ...]:
    """In their order, each once."""
    return tuple(dict.fromkeys(Address(family, tuple(sockaddr)) for family, _, _, _, sockaddr in found))


def family_of(address: str) -> socket.AddressFamily:
    """The family of an IP address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def check_local(address: str) -> None:
    """Raise OSError when nothing can be sent from `address`, which is none of this machine."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))


async def open_stream(
    host: str, port: int, tls: ssl.SSLContext | None = None, limit: int = 2**16
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP connection to whichever address of the name takes it; `tls` is held against the name. Raises OSError."""
    return await asyncio.open_connection(host, port, ssl=tls, limit=limit, happy_eyeballs_delay=HEAD_START_S)


def connected(address: Address, local: str = "") -> socket.socket:
    """A UDP socket for one address, from `local` when that is given. Raises OSError where it cannot be reached."""
    if local and family_of(local) != address.family:
        raise OSError(errno.EAFNOSUPPORT, f"{address.host} cannot be reached from {local}")
    made = socket.socket(address.family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if local:
            made.bind((local, 0))
        made.connect(address.sockaddr)
    except OSError:
        made.close()
        raise
    return made


def bound_streams(addresses: Sequence[Address]) -> list[socket.socket]:
    """Listening TCP sockets for all addresses of a name that this machine has. Raises OSError when it has none.

    An address in use is an error even if there are others, or clients would meet two servers under one name.
    """
    made: list[socket.socket] = []
    absent: OSError | None = None
    for address in addresses:
        host, port = address.host, int(address.sockaddr[1])
        if not port and made:
            port = int(made[0].getsockname()[1])  # the system's choice for the first is that of all
        try:
            made.append(socket.create_server((host, port), family=address.family))
        except OSError as error:
            if error.errno not in ABSENT:
                for other in made:
                    other.close()
                raise
            absent = absent or error
    if not made:
        raise absent or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return made


def split_place(text: str, port: int) -> tuple[str, int]:
    """Host and port of `HOST[:PORT]`, an IPv6 address in brackets when a port follows. Raises ValueError."""
    host, number = text, ""
    if text.startswith("["):
        host, _, number = text[1:].partition("]")
    elif text.count(":") == 1:
        host, colon, number = text.partition(":")
        number = colon + number
    number = number or f":{port}"
    if not host or not (number[0] == ":" and number[1:].isdecimal() and 1 <= int(number[1:]) <= 65535):
        raise ValueError(f"{text}: expected HOST[:PORT], an IPv6 address with a port in brackets")
    return host, int(number[1:])
