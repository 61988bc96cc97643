"""BMCs on the network: IPMI with its serial console, and traps."""

from __future__ import annotations

from collections import Counter

import structlog

from ridethrough.emulators.devices.bmc import EmulatedBmc
from ridethrough.emulators.faces.ipmi_lan import IpmiLan
from ridethrough.emulators.faces.notifier import Notifier
from ridethrough.emulators.faces.udp import EphemeralSocket
from ridethrough.emulators.hosts.links import HostContext, Peer, ReplySocket
from ridethrough.emulators.kernel.instant import Instant

log = structlog.get_logger("emulators")

MAX_REFUSALS = 1024  # reasons and sources remembered


class BmcHost:
    """A BMC: IPMI with its serial console, and traps."""

    def __init__(self, bmc: EmulatedBmc, context: HostContext) -> None:
        runtime = context.runtime
        self._bmc = bmc
        self._model = bmc.model
        self._uplink = context.uplinks.get(bmc.name)
        self._ports = context.ports
        self._runtime = runtime
        self._world = runtime.world
        self._face = IpmiLan(bmc, runtime.random_bytes)
        self._socket = ReplySocket(bmc.impairment, context.random(bmc.name), runtime.counters)
        self._trap_socket = EphemeralSocket()
        self._refusals: Counter[tuple[str, str]] = Counter()

    @property
    def counters(self) -> Counter[str]:
        """Datagrams received, and those of them that could not be read."""
        return self._face.counters

    async def start(self) -> None:
        """Bind everything. Raises BindError."""
        self._socket.bind(self._bmc.address, self._ports.ipmi, self._runtime.reader, self._receive)

    async def stop(self) -> None:
        """Close the socket."""
        self._socket.close()

    def flush(self, now: Instant) -> None:
        """Send the alerts that are queued and the serial console's packets that are due at `now`.

        Alerts are lost, and counted, while the uplink is cut. Their socket is closed again, so that thousands of
        controllers need no descriptor each.
        """
        passes = self._uplink is None or self._uplink.passes
        for out in self._bmc.outgoing:
            for data, peer in Notifier.plain(out, self._ports.trap):
                sent = passes and self._trap_socket.send(self._bmc.address, data, peer)
                self._runtime.counters["traps_sent" if sent else "traps_not_sent"] += 1
        self._bmc.outgoing.clear()
        self._trap_socket.close()
        for data, peer in self._face.pump(now):
            self._socket.send(data, peer)

    def next_deadline(self) -> Instant | None:
        """Return when the serial console must be looked at next; None for never."""
        return self._face.next_deadline()

    def _receive(self, data: bytes, peer: Peer) -> None:
        if self._uplink is not None and not self._uplink.passes:
            return
        revision = self._model.revision
        for answer in self._face.receive(data, peer, self._world.now):
            self._socket.send(answer, peer)
        if (reason := self._face.refused) is not None:
            self._log_refusal(reason, peer[0])
        if self._model.revision != revision:
            self._runtime.changed(self._bmc.name)

    def _log_refusal(self, reason: str, peer: str) -> None:
        """A refusal is logged the first, second, fourth, eighth ... time, so that a flood does not fill the log."""
        self._refusals[reason, peer] += 1
        count = self._refusals[reason, peer]
        if count & (count - 1) == 0:
            log.warning("security.refused", device=self._bmc.name, reason=reason, source=peer, count=count)
        if len(self._refusals) > MAX_REFUSALS:
            self._refusals.clear()


HOSTS = {"bmc": BmcHost}
