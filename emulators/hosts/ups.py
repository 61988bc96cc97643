"""UPS cards on the network: SNMP, traps, pages, telnet and serial line."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

import structlog

from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.emulators.faces.card_console import ConsoleFace
from ridethrough.emulators.faces.card_web import WebFace
from ridethrough.emulators.faces.interactive import InteractiveContext
from ridethrough.emulators.faces.snmp_agent import SnmpAgent
from ridethrough.emulators.hosts.links import HostContext, Peer, ReplySocket, TrapSender, Uplink, random_salt
from ridethrough.emulators.kernel.instant import Instant

log = structlog.get_logger("emulators")

TOKEN_OCTETS = 16


class CardUplink:
    """The network as a card sees it: behind its hub, and not before BOOTP is off on a new one."""

    def __init__(self, ups: EmulatedUps, hub: Uplink | None) -> None:
        self._ups = ups
        self._hub = hub

    @property
    def passes(self) -> bool:
        """True if datagrams get through now, in either direction."""
        return (self._hub is None or self._hub.passes) and self._ups.on_lan


class UpsHost:
    """A UPS card: SNMP, traps, pages, telnet and serial line."""

    def __init__(self, ups: EmulatedUps, context: HostContext) -> None:
        card, runtime = ups.card, context.runtime
        self._uplink = CardUplink(ups, context.uplinks.get(ups.name))
        self._ups = ups
        self._ports = context.ports
        self._runtime = runtime
        self._world = runtime.world
        self._agent = SnmpAgent(ups.view, runtime.world.slot(ups.name), random_salt(runtime))
        self._socket = ReplySocket(card.impairment, context.random(ups.name), runtime.counters)
        self._traps = TrapSender(
            card,
            runtime,
            self._uplink,
            partial(runtime.flush, ups.name),
            repeat_s=ups.profile.card.inform_s,
            repeats=ups.profile.card.inform_retries,
        )
        interactive = InteractiveContext(runtime.catch_up, partial(runtime.changed, ups.name), self._token)
        self._web = WebFace(ups, interactive)
        self._console = ConsoleFace(ups, interactive)
        self._bound = ""
        self._moving: asyncio.Task[None] | None = None

    @property
    def counters(self) -> Counter[str]:
        """The counters of the SNMP agent."""
        return self._agent.counters

    async def start(self) -> None:
        """Bind everything. Raises BindError."""
        await self._bind(self._ups.address)
        if self._ups.serial is not None:
            self._console.open_serial(self._ups.serial)

    async def _bind(self, address: str) -> None:
        self._socket.bind(address, self._ports.snmp, self._runtime.reader, self._receive)
        self._traps.bind(address)
        if self._ports.http is not None:
            await self._web.start(address, self._ports.http)
        if self._ports.console is not None:
            await self._console.listen(address, self._ports.console)
        self._bound = address

    async def stop(self) -> None:
        """Close everything, a move to another address included."""
        if self._moving is not None:
            self._moving.cancel()
        self._console.close_serial()
        await self._unbind()

    async def _unbind(self) -> None:
        """Leave the network; the serial port is none of it, and who sits there sees nothing of a move."""
        self._socket.close()
        self._traps.close()
        await self._web.stop()
        await self._console.stop_listening()

    def flush(self, now: Instant) -> None:
        """Send what is to be sent; follow the card to another address."""
        self._traps.flush(self._ups.card, self._ports.trap, now)
        if self._bound and self._ups.address != self._bound and self._moving is None:
            self._moving = asyncio.get_running_loop().create_task(self._move())

    def next_deadline(self) -> Instant | None:
        """Return when an inform must be repeated; None while none waits."""
        return self._traps.notifier.next_deadline()

    async def _move(self) -> None:
        """The card was given another address: be there, or stay where it was when that is none of ours."""
        before, address = self._bound, self._ups.address
        await self._unbind()
        try:
            await self._bind(address)
        except BindError as error:
            log.error("card cannot move", device=self._ups.name, reason=str(error))  # noqa: TRY400
            self._runtime.counters["cards_not_moved"] += 1
            await self._unbind()
            self._ups.card.move(before)
            await self._bind(before)
        self._moving = None

    def _token(self) -> str:
        return self._runtime.random_bytes(TOKEN_OCTETS).hex()

    def _receive(self, data: bytes, peer: Peer) -> None:
        if not self._uplink.passes:
            return
        answer = self._agent.receive(data, peer[0], self._world.now)
        if answer is not None:
            self._socket.send(answer, peer)
        if self._agent.changed:
            self._runtime.changed(self._ups.name)


HOSTS = {"ups": UpsHost}
