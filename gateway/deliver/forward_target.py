"""The target of a forward: sends datagrams there, and recognizes acknowledgements that come back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address

from ridethrough.gateway.deliver.convert import Converted, ForwardFormat
from ridethrough.gateway.deliver.spoof import Spoofer
from ridethrough.gateway.deliver.v3_sender import V3Sender
from ridethrough.gateway.net.addresses import Address, family_of
from ridethrough.gateway.net.udp_sender import UdpSender
from ridethrough.gateway.records import EngineIdentity
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, decode
from ridethrough.wire.snmp.v3 import is_v3

ACK_TIMEOUT_S = 1.5  # how long an acknowledgement may take before the inform is sent again
MAX_SENT = 3  # datagrams of one attempt in version 3: a question, one with the old time, one with the new


class ForwardTarget:
    """The manager to which a forward sends, at `host:port`.

    `local` is the address to send from; `now_ms` gives Unix time for version 3.
    """

    def __init__(
        self,
        host: str,
        port: int,
        trap_format: ForwardFormat,
        local: str = "",
        v3_sender: V3Sender | None = None,
        spoofer: Spoofer | None = None,
        now_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self.host = host
        self.port = port
        self.trap_format = trap_format
        self.own: frozenset[str] = frozenset()  # its addresses, without loopback, which many share
        self._v3_sender = v3_sender
        self._spoofer = spoofer
        self._plain = v3_sender is None and spoofer is None
        self._now_ms = now_ms
        self._sender = UdpSender(host, port, local, self._receive, self._on_refusal)
        self._waiting: dict[int, asyncio.Future[bool]] = {}  # false where the datagram is to be sent anew

    def set_engine(self, identity: EngineIdentity) -> None:
        """Set the gateway's own engine, which is the authoritative one of traps in version 3."""
        if self._v3_sender is not None:
            self._v3_sender.identity = identity

    async def open(self) -> None:
        """Find the addresses, which may have changed since all of them failed. Raises OSError."""
        await self._sender.open()
        if self._v3_sender is not None and not self._waiting:
            self._v3_sender.forget()
        self._note_own_addresses()

    def _note_own_addresses(self) -> None:
        hosts = (address.host for address in self._sender.addresses)
        self.own = frozenset(host for host in hosts if not ip_address(host.partition("%")[0]).is_loopback)

    @property
    def is_open(self) -> bool:
        """True after `open` has found an address."""
        return self._sender.is_open

    @property
    def address(self) -> Address | None:
        """The address in use."""
        return self._sender.address

    def has_moved_on(self, since: Address | None) -> bool:
        """True when another address than `since` is in use, and has not failed yet."""
        return self.is_open and not self._sender.exhausted and self._sender.address != since

    @property
    def refused(self) -> str:
        """The network's error for the last datagram that did not arrive; empty without one."""
        return self._sender.refused

    def take_lost(self) -> Counter[str]:
        """Traps that reached none of the addresses since the last call, by the network's error."""
        lost, self._sender.lost = self._sender.lost, Counter()
        return lost

    def why_unreachable(self, converted: Converted) -> str:
        """The reason for which a datagram can never be sent there; empty when it can."""
        if self._spoofer is None or not self.is_open or self._reached(converted.source):
            return ""
        return f"none of the addresses is of the family of {converted.source}"

    def _reached(self, source: str) -> list[Address]:
        """The addresses to which a datagram from `source` can go."""
        family = family_of(source)
        return [address for address in self._sender.addresses if address.family == family]

    def send_at_once(self, converted: Converted) -> bool:
        """Send a trap without waiting; False, with nothing sent, when `send` has to be used."""
        if converted.request_id is not None or not self._plain or self._sender.exhausted:
            return False
        self._sender.send(converted.data)
        return True

    async def send(self, converted: Converted) -> bool:
        """Send; False when an inform was not acknowledged in time, or no address can be reached."""
        if not self.is_open:
            return False
        self._sender.refused = ""
        if converted.request_id is None:
            return await self._send_trap(converted)
        while (other := self._waiting.get(converted.request_id)) is not None:
            await asyncio.wait([other])  # another sender's with the same identifier: one acknowledgement is not two
        address, answers = self._sender.address, self._sender.answers
        for _ in range(MAX_SENT if self._v3_sender else 1):
            answer = self._waiting[converted.request_id] = asyncio.get_running_loop().create_future()
            try:
                self._sender.send(self._octets(converted), again=False)
                async with asyncio.timeout(ACK_TIMEOUT_S):
                    if await answer:
                        return True
            except TimeoutError:
                break
            finally:
                del self._waiting[converted.request_id]
                answer.cancel()
            if self._sender.address != address:
                return False
        if self._sender.answers == answers:  # not even to others
            self._mark_failed(address)
        return False

    def _mark_failed(self, address: Address | None) -> None:
        """Use the next address: this one has not answered."""
        self._sender.failed(address)
        if self._v3_sender is not None and self._sender.address != address:
            self._v3_sender.forget()

    async def _send_trap(self, converted: Converted) -> bool:
        if self._sender.exhausted:
            await self._sender.open_seldom()
            self._note_own_addresses()
        if self._spoofer is None:
            self._sender.send(self._octets(converted))
            return True
        for address in self._reached(converted.source):
            try:
                self._spoofer.send(converted.data, converted.source, address.sockaddr)
            except OSError as error:
                self._sender.refused = f"as from {converted.source}: {error.strerror or error}"
            else:
                return True
        for _ in self._sender.addresses:
            self._sender.failed(self._sender.address)
        return False

    def _octets(self, converted: Converted) -> bytes:
        if self._v3_sender is None or converted.pdu is None:
            return converted.data
        seal = self._v3_sender.trap if converted.request_id is None else self._v3_sender.inform
        return seal(converted.pdu, self._now_ms())

    def close(self) -> None:
        """Close the sockets; what waits for an acknowledgement goes on waiting until it is cancelled."""
        self._sender.close()
        if self._spoofer is not None:
            self._spoofer.close()

    # --- what comes back ----------------------------------------------------------------------------------------

    def _receive(self, data: bytes, address: Address) -> None:
        """Take the acknowledgement of an inform; everything else is dropped."""
        try:
            if self._v3_sender is not None and is_v3(data):
                if address != self._sender.address:
                    return  # a late report of another engine, whose time is not this one's
                response = self._v3_sender.handle_response(data, self._now_ms())
                if response is not None:
                    self._answered(response.request_id, address, done=response.acknowledged)
                return
            pdu = decode(data).pdu
        except WireError:
            return
        if self._v3_sender is None and isinstance(pdu, Pdu) and pdu.kind is Kind.RESPONSE:
            self._answered(pdu.request_id, address, done=True)

    def _answered(self, request_id: int, address: Address, *, done: bool) -> None:
        answer = self._waiting.get(request_id)
        if answer is not None and not answer.done():
            if done:
                self._sender.worked(address)
            answer.set_result(done)

    def _on_refusal(self) -> None:
        """Send all unacknowledged informs anew: the address in use has refused, and the next one is used."""
        if self._v3_sender is not None:
            self._v3_sender.forget()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(False)
