"""Devices on the network: the sockets of each, and what runs between a socket and a face."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol

import structlog

from ridethrough.emulators.bindings.network import Impairment
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.config.plant import Ports
from ridethrough.emulators.devices.bmc import BmcDevice
from ridethrough.emulators.devices.ups import UpsDevice
from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.emulators.faces.card_console import ConsoleFace
from ridethrough.emulators.faces.card_web import WebFace
from ridethrough.emulators.faces.interactive import InteractiveContext
from ridethrough.emulators.faces.ipmi_lan import IpmiLan
from ridethrough.emulators.faces.notifier import Datagram, Notifier, Sender
from ridethrough.emulators.faces.snmp_agent import SnmpAgent
from ridethrough.emulators.faces.udp import EphemeralSocket, Readers, UdpSocket
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.world import World

log = structlog.get_logger("emulators")

Peer = tuple[str, int]
TOKEN_OCTETS = 16
MOST_REFUSALS = 1024  # reasons and sources remembered


class Runtime(Protocol):
    """What a host needs of the running plant."""

    counters: Counter[str]
    world: World
    readers: Readers

    def now(self) -> Instant: ...

    def arrive(self) -> Instant:
        """Something arrives: let the world come to the present first, which is returned."""

    def changed(self, name: str) -> None:
        """A device may have changed."""

    def flush(self, name: str) -> None:
        """A device may have something to send, and has not changed otherwise."""

    def random_bytes(self, count: int) -> bytes: ...


class Uplink(Protocol):
    """What lies between a device and the rest of the network."""

    @property
    def passes(self) -> bool:
        """Whether datagrams get through."""


class TrapSource(Protocol):
    """A device with traps to send."""

    outgoing: list[OutgoingTrap]


def _salt(around: Runtime) -> int:
    return int.from_bytes(around.random_bytes(4), "big")


class ReplySocket:
    """One device's socket, through whatever impairs it."""

    def __init__(self, impairment: Impairment, chance: Random, counters: Counter[str]) -> None:
        self._impairment = impairment
        self._chance = chance
        self._counters = counters
        self._socket: UdpSocket | None = None

    def bind(self, address: str, port: int, readers: Readers, receive: Callable[[bytes, Peer], None]) -> None:
        """Raises BindError."""
        self._socket = UdpSocket(address, port, readers, receive)

    def send(self, answer: bytes, peer: Peer) -> None:
        """Send an answer now or later, or lose it."""
        if self._impairment.calm:
            self._send(answer, peer)
            return
        for delay_s, data in self._impairment.plan([answer], self._chance.random):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._send, data, peer)
            else:
                self._send(data, peer)

    def _send(self, data: bytes, peer: Peer) -> None:
        if self._socket is None or not self._socket.send(data, peer):
            self._counters["answers_not_sent"] += 1

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class TrapSender:
    """The port from which a device's traps leave, and where acknowledgements come back as long as any may come."""

    def __init__(
        self, sender: Sender, repeat_s: float, repeats: int, around: Runtime, answered: Callable[[], None]
    ) -> None:
        self.notifier = Notifier(sender, around.counters, repeat_s, repeats, _salt(around))
        self._around = around
        self._answered = answered
        self._socket = EphemeralSocket(around.readers, self._receive)
        self._address = ""
        self.way: Uplink | None = None

    def bind(self, address: str) -> None:
        """Send from there."""
        self._address = address

    def _receive(self, data: bytes, peer: Peer) -> None:
        self._send(self.notifier.receive(data, peer, self._around.now()))
        self._answered()

    def flush(self, device: TrapSource, port: int, now: Instant) -> None:
        """Send what the device has to tell, and what is due again."""
        for out in device.outgoing:
            self._send(self.notifier.send(out, port, now))
        device.outgoing.clear()
        self._send(self.notifier.advance(now))
        if not self.notifier.waiting:
            self._socket.close()

    def _send(self, datagrams: list[Datagram]) -> None:
        open_way = self.way is None or self.way.passes
        for data, peer in datagrams:
            sent = open_way and self._address != "" and self._socket.send(self._address, data, peer)
            self._around.counters["traps_sent" if sent else "traps_not_sent"] += 1

    def close(self) -> None:
        self._socket.close()
        self._address = ""


class UpsHost:
    """A UPS card: SNMP, traps, pages, telnet and serial line."""

    def __init__(
        self,
        ups: UpsDevice,
        ports: Ports,
        around: Runtime,
        chance: Random,
        serial: Path | None,
        way: Uplink | None = None,
    ) -> None:
        card = ups.card
        self._way = way
        self._ups = ups
        self._ports = ports
        self._around = around
        self._world = around.world
        self._agent = SnmpAgent(ups.view, around.world.seat(ups.name), _salt(around))
        self._line = ReplySocket(card.impairment, chance, around.counters)
        settings = ups.profile.card
        again = partial(around.flush, ups.name)
        self._traps = TrapSender(card, settings.inform_s, settings.inform_retries, around, again)
        self._traps.way = way
        stage = InteractiveContext(around.arrive, partial(around.changed, ups.name), self._token)
        self._web = WebFace(ups, stage)
        self._console = ConsoleFace(ups, stage)
        self._serial = serial
        self._bound = ""
        self._moving: asyncio.Task[None] | None = None

    @property
    def counters(self) -> Counter[str]:
        return self._agent.counters

    async def start(self) -> None:
        """Bind everything. Raises BindError."""
        await self._bind(self._ups.address)
        if self._serial is not None:
            self._console.open_serial(self._serial)

    async def _bind(self, address: str) -> None:
        self._line.bind(address, self._ports.snmp, self._around.readers, self._receive)
        self._traps.bind(address)
        if self._ports.http is not None:
            await self._web.start(address, self._ports.http)
        if self._ports.console is not None:
            await self._console.listen(address, self._ports.console)
        self._bound = address

    async def stop(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
        self._console.close_serial()
        await self._unbind()

    async def _unbind(self) -> None:
        """Leave the network; the serial port is none of it, and who sits there sees nothing of a move."""
        self._line.close()
        self._traps.close()
        await self._web.stop()
        await self._console.stop_listening()

    def flush(self, now: Instant) -> None:
        """Send what is to be sent; follow the card to another address."""
        self._traps.flush(self._ups.card, self._ports.trap, now)
        if self._bound and self._ups.address != self._bound and self._moving is None:
            self._moving = asyncio.get_running_loop().create_task(self._move())

    def next_deadline(self) -> Instant | None:
        return self._traps.notifier.next_deadline()

    async def _move(self) -> None:
        """The card was given another address: be there, or stay where it was when that is none of ours."""
        before, address = self._bound, self._ups.address
        await self._unbind()
        try:
            await self._bind(address)
        except BindError as error:
            log.error("card cannot move", device=self._ups.name, reason=str(error))  # noqa: TRY400
            self._around.counters["cards_not_moved"] += 1
            await self._unbind()
            self._ups.card.move(before)
            await self._bind(before)
        self._moving = None

    def _token(self) -> str:
        return self._around.random_bytes(TOKEN_OCTETS).hex()

    def _receive(self, data: bytes, peer: Peer) -> None:
        if self._way is not None and not self._way.passes:
            return
        answer = self._agent.receive(data, peer[0], self._world.now)
        if answer is not None:
            self._line.send(answer, peer)
        if self._agent.changed:
            self._around.changed(self._ups.name)


class BmcHost:
    """A BMC: IPMI with its serial console, and traps."""

    def __init__(
        self, bmc: BmcDevice, ports: Ports, around: Runtime, chance: Random, way: Uplink | None = None
    ) -> None:
        self._bmc = bmc
        self._model = bmc.model
        self._way = way
        self._ports = ports
        self._around = around
        self._world = around.world
        self._face = IpmiLan(bmc, around.random_bytes)
        self._line = ReplySocket(bmc.impairment, chance, around.counters)
        self._sender = EphemeralSocket()
        self._refusals: Counter[tuple[str, str]] = Counter()

    @property
    def counters(self) -> Counter[str]:
        return self._face.counters

    async def start(self) -> None:
        """Bind everything. Raises BindError."""
        self._line.bind(self._bmc.address, self._ports.ipmi, self._around.readers, self._receive)

    async def stop(self) -> None:
        self._line.close()

    def flush(self, now: Instant) -> None:
        """Send what is to be sent."""
        open_way = self._way is None or self._way.passes
        for out in self._bmc.outgoing:
            for data, peer in Notifier.plain(out, self._ports.trap):
                sent = open_way and self._sender.send(self._bmc.address, data, peer)
                self._around.counters["traps_sent" if sent else "traps_not_sent"] += 1
        self._bmc.outgoing.clear()
        self._sender.close()
        for data, peer in self._face.pump(now):
            self._line.send(data, peer)

    def next_deadline(self) -> Instant | None:
        return self._face.next_deadline()

    def _receive(self, data: bytes, peer: Peer) -> None:
        if self._way is not None and not self._way.passes:
            return
        revision = self._model.revision
        for answer in self._face.receive(data, peer, self._world.now):
            self._line.send(answer, peer)
        if (reason := self._face.refused) is not None:
            self._note(reason, peer[0])
        if self._model.revision != revision:
            self._around.changed(self._bmc.name)

    def _note(self, reason: str, peer: str) -> None:
        """A refusal is logged the first, second, fourth, eighth ... time, so that a flood does not fill the log."""
        self._refusals[reason, peer] += 1
        count = self._refusals[reason, peer]
        if count & (count - 1) == 0:
            log.warning("security.refused", device=self._bmc.name, reason=reason, source=peer, count=count)
        if len(self._refusals) > MOST_REFUSALS:
            self._refusals.clear()
