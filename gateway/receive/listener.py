"""A UDP socket for traps and informs, read in batches."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from struct import Struct

from ridethrough.gateway.net.addresses import family_of
from ridethrough.gateway.records import Arrival, RecordKind
from ridethrough.gateway.status import ListenerStatus

BATCH = 1024  # datagrams taken in one turn of the loop
LARGEST = 65535
DATAGRAM = RecordKind.DATAGRAM
BUFFER_OCTETS = 16 * 1024 * 1024  # asked for; the kernel gives what it allows
RCVBUFFORCE = 33  # SO_RCVBUFFORCE of Linux (socket(7)), which Python does not name
SO_MEMINFO, MEMINFO, DROPS = 55, Struct("=9I"), 8  # Linux: a socket's memory, and its SK_MEMINFO_DROPS (sock_diag(7))
KNOWN_SOURCES = 65536


class ListenError(OSError):
    """A listener cannot be bound. The text names the address and the next step."""


class Listener:
    """Passes lists of arrivals to `deliver`. Datagrams from networks that may not send are counted and dropped."""

    def __init__(
        self,
        address: str,
        port: int,
        networks: Sequence[IPv4Network | IPv6Network],
        now_ms: Callable[[], int],
        deliver: Callable[[list[Arrival]], None],
    ) -> None:
        """Bind. Raises ListenError."""
        family = family_of(address)
        try:
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            raise _explain(error, f"{address}:{port}/udp") from error
        self._socket.setblocking(False)
        self.buffer_octets = _enlarge(self._socket)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise _explain(error, f"{address}:{port}/udp") from error
        self.name = f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}"
        self.dropped = 0  # by the kernel, as far as was looked
        self.received = 0
        self.refused = 0
        self._networks = tuple(networks)
        self._admitted: dict[str, bool] = {}
        self._now_ms = now_ms
        self._deliver = deliver
        self._reading = False
        self.resume()

    def status(self) -> ListenerStatus:
        """Counters and buffer size."""
        return ListenerStatus(self.name, self.received, self.refused, self.dropped, self.buffer_octets)

    def pause(self) -> None:
        """Stop reading: datagrams stay in the kernel's buffer."""
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._reading = False

    def resume(self) -> None:
        """Go on reading."""
        if not self._reading:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)
            self._reading = True

    def send(self, data: bytes, peer: tuple[str, int]) -> None:
        """Send an acknowledgement. An error of the network is dropped, as the sender repeats its inform."""
        try:
            self._socket.sendto(data, peer)
        except OSError:
            return

    def drops(self) -> int:
        """Datagrams that the kernel has dropped here since the start; 0 where it does not count them."""
        try:
            memory = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
        except OSError:
            return 0
        return int(MEMINFO.unpack(memory)[DROPS]) if len(memory) == MEMINFO.size else 0

    def close(self) -> None:
        """Close the socket; what the kernel still holds is lost."""
        self.pause()
        self._socket.close()

    def _drain(self) -> None:
        batch: list[Arrival] = []
        at_ms, name, networks, receive = self._now_ms(), self.name, self._networks, self._socket.recvfrom
        for _ in range(BATCH):
            try:
                data, peer = receive(LARGEST)
            except BlockingIOError:
                break
            except ConnectionRefusedError:
                continue  # the ICMP answer to an acknowledgement
            self.received += 1
            if networks and not self._admits(peer[0]):
                self.refused += 1
                continue
            batch.append(Arrival(at_ms, DATAGRAM, data, name, peer[0], peer[1]))
        if batch:
            self._deliver(batch)

    def _admits(self, source: str) -> bool:
        known = self._admitted.get(source)
        if known is None:
            if len(self._admitted) >= KNOWN_SOURCES:
                self._admitted.clear()
            address = ip_address(source.partition("%")[0])
            known = self._admitted[source] = any(address in network for network in self._networks)
        return known


def _enlarge(listening: socket.socket) -> int:
    """Ask for a large buffer, beyond the kernel's limit where we may. Returns its size as the kernel counts it."""
    try:
        listening.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, BUFFER_OCTETS)
    except OSError:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_OCTETS)
    return listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def _explain(error: OSError, place: str) -> ListenError:
    match error.errno:
        case errno.EADDRINUSE:
            reason = "is already in use: another trap receiver runs there; stop it or listen on another address or port"
        case errno.EACCES:
            reason = (
                "needs the right to bind ports below 1024: give CAP_NET_BIND_SERVICE, listen on a higher port, "
                "or run a rig with --ports high"
            )
        case errno.EADDRNOTAVAIL:
            reason = "is not an address of this machine"
        case errno.EAFNOSUPPORT:
            reason = "cannot be bound: this machine has no IPv6"
        case _:
            reason = f"cannot be bound: {error.strerror}"
    return ListenError(error.errno, f"{place} {reason}")
