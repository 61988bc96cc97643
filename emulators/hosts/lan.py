"""Servers and managers on the network."""

from __future__ import annotations

from collections import Counter
from functools import partial

from ridethrough.emulators.devices.manager import Manager
from ridethrough.emulators.devices.server import Server
from ridethrough.emulators.faces.udp import UdpSocket
from ridethrough.emulators.hosts.links import HostContext, Peer
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire import wol
from ridethrough.wire.errors import WireError


class LanHost:
    """Has sockets on the network and sends nothing by itself."""

    def __init__(self, context: HostContext) -> None:
        self._runtime = context.runtime
        self._sockets: list[UdpSocket] = []
        self.counters: Counter[str] = Counter()

    async def stop(self) -> None:
        """Close all sockets."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def flush(self, _now: Instant) -> None:
        """There is nothing to send."""

    def next_deadline(self) -> Instant | None:
        """Return None: nothing is ever due."""
        return None


class ServerHost(LanHost):
    """A server: an echo while its operating system runs (RFC 862), and an interface that a magic packet wakes."""

    def __init__(self, server: Server, context: HostContext) -> None:
        super().__init__(context)
        self._server = server
        self._ports = context.ports
        self._uplink = context.uplinks.get(server.name)

    async def start(self) -> None:
        """Bind the echo and the port for magic packets, where the rig has them. Raises BindError."""
        for interface, address in enumerate(self._server.addresses, 1):
            if self._ports.echo is not None:
                echo = UdpSocket(address, self._ports.echo, self._runtime.reader, partial(self._answer, interface))
                self._sockets.append(echo)
        if self._server.wake_port_open and self._ports.wake is not None:
            wake = UdpSocket(self._server.addresses[0], self._ports.wake, self._runtime.reader, self._wake)
            self._sockets.append(wake)

    def _connected(self, interface: int) -> bool:
        passes = self._uplink is None or self._uplink.passes
        return passes and interface not in self._server.lan_cuts

    def _answer(self, interface: int, data: bytes, peer: Peer) -> None:
        if self._server.on_lan and self._connected(interface) and self._sockets:
            self._sockets[interface - 1].send(data, peer)

    def _wake(self, data: bytes, _peer: Peer) -> None:
        if not self._connected(1):
            return
        try:
            packet = wol.decode(data)
        except WireError:
            self.counters["no_magic_packet"] += 1
            return
        self.counters["magic_packets"] += 1
        if self._server.wake(packet.mac, self._runtime.now()):
            self._runtime.changed(self._server.name)


class ManagerHost(LanHost):
    """A clustered manager: each node's address, and the floating one, listen for traps."""

    def __init__(self, manager: Manager, context: HostContext) -> None:
        super().__init__(context)
        self._manager = manager

    async def start(self) -> None:
        """Bind the trap port at every node's address and at the floating one. Raises BindError."""
        for address in (*self._manager.nodes.values(), self._manager.floating):
            self._sockets.append(
                UdpSocket(address, self._manager.port, self._runtime.reader, partial(self._receive, address))
            )

    def _receive(self, address: str, data: bytes, peer: Peer) -> None:
        self._manager.receive(data, address, peer[0])
        self._runtime.changed(self._manager.name)


HOSTS = {"server": ServerHost, "manager": ManagerHost}
