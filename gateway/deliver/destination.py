"""Where a forward goes, and what comes back from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ridethrough.gateway.deliver.relay import Plan, Relayed
from ridethrough.gateway.deliver.sealing import Sealer
from ridethrough.gateway.deliver.spoof import Spoofer
from ridethrough.gateway.records import EngineIdentity
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, decode
from ridethrough.wire.snmp.v3 import is_v3

ANSWER_S = 1.5  # how long an acknowledgement may take before the inform is told again
STEPS = 3  # datagrams of one attempt in version 3: a question, one with the old time, one with the new


class Destination(asyncio.DatagramProtocol):
    """`HOST:PORT`, and how. `local` is the address to send from; `now_s` gives Unix time for version 3."""

    def __init__(
        self,
        host: str,
        port: int,
        plan: Plan,
        local: str = "",
        sealer: Sealer | None = None,
        spoofer: Spoofer | None = None,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.host = host
        self.port = port
        self.plan = plan
        self.refused = ""  # what the network said of the last datagram that did not arrive
        self._local = local
        self._sealer = sealer
        self._spoofer = spoofer
        self._now_s = now_s
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[int, asyncio.Future[bool]] = {}  # false where the datagram is to be sent anew

    def know(self, identity: EngineIdentity) -> None:
        """The gateway's own engine, which version 3 names in traps."""
        if self._sealer is not None:
            self._sealer.identity = identity

    async def open(self) -> None:
        """Find the address, which may have moved since. Raises OSError."""
        self.close()
        self.refused = ""
        if self._sealer is not None:
            self._sealer.forget()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self,
            local_addr=(self._local, 0) if self._local else None,
            remote_addr=(self.host, self.port),
        )

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def address(self) -> str:
        """The IP address that the host's name has now; empty while it is not known."""
        peer = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    def send_at_once(self, relayed: Relayed) -> bool:
        """Send a trap, for which nobody waits; False for what `send` has to see to."""
        transport = self._transport
        if relayed.request_id is not None or transport is None or transport.is_closing():
            return False
        if self._sealer is not None or self._spoofer is not None:
            return False
        self.refused = ""
        transport.sendto(relayed.data)
        return True

    async def send(self, relayed: Relayed) -> bool:
        """Send; False when an inform was not acknowledged in time, or nobody can be reached."""
        if self._transport is None or not self.is_open:
            return False
        self.refused = ""
        if relayed.request_id is None:
            return self._send_trap(relayed, self._transport)
        while (other := self._waiting.get(relayed.request_id)) is not None:
            await asyncio.wait([other])  # of another sender, with the same identifier: one acknowledgement is not two
        for _ in range(STEPS if self._sealer else 1):
            answer = self._waiting[relayed.request_id] = asyncio.get_running_loop().create_future()
            try:
                self._transport.sendto(self._octets(relayed))
                async with asyncio.timeout(ANSWER_S):
                    if await answer:
                        return True
            except TimeoutError:
                return False
            finally:
                del self._waiting[relayed.request_id]
                answer.cancel()
        return False

    def _send_trap(self, relayed: Relayed, transport: asyncio.DatagramTransport) -> bool:
        if self._spoofer is None:
            transport.sendto(self._octets(relayed))
            return True
        try:
            self._spoofer.send(relayed.data, relayed.source, (self.address, self.port))
        except OSError as error:
            self.refused = f"as from {relayed.source}: {error.strerror or error}"
            return False
        return True

    def _octets(self, relayed: Relayed) -> bytes:
        if self._sealer is None or relayed.pdu is None:
            return relayed.data
        seal = self._sealer.trap if relayed.request_id is None else self._sealer.inform
        return seal(relayed.pdu, self._now_s())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._spoofer is not None:
            self._spoofer.close()

    # --- datagram protocol ------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        """The acknowledgement of an inform; anything else is nothing to us."""
        try:
            if self._sealer is not None and is_v3(data):
                heard = self._sealer.hear(data, self._now_s())
                if heard is not None:
                    self._answered(heard.message_id, done=not heard.again)
                return
            pdu = decode(data).pdu
        except WireError:
            return
        if self._sealer is None and isinstance(pdu, Pdu) and pdu.kind is Kind.RESPONSE:
            self._answered(pdu.request_id, done=True)

    def _answered(self, request_id: int, *, done: bool) -> None:
        answer = self._waiting.get(request_id)
        if answer is not None and not answer.done():
            answer.set_result(done)

    def error_received(self, exc: Exception) -> None:
        """The network's word that a datagram did not arrive."""
        self.refused = "nobody listens there" if isinstance(exc, ConnectionRefusedError) else str(exc)
