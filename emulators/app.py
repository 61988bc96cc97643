"""The only place of the emulators that opens sockets and reads the loop's clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import structlog

from emulators.bindings.inputs import InputError, Inputs
from emulators.bindings.traps import OutgoingTrap
from emulators.config import Plant
from emulators.devices.bmc import Bmc
from emulators.devices.ups import Ups
from emulators.faces.ipmi_lan import IpmiLan
from emulators.faces.snmp_agent import SnmpAgent
from emulators.faces.udp import BindError, UdpSocket
from emulators.kernel.instant import Instant
from emulators.memory import Memory
from emulators.plant import build
from wire.snmp import Message, Version, encode

log = structlog.get_logger("emulators")


class Place(Protocol):
    """A device as the lab sees it."""

    name: str
    kind: str
    inputs: Inputs

    def snapshot(self, now: Instant) -> dict[str, Any]: ...


class Emulators:
    """A running plant."""

    def __init__(
        self, plant: Plant, random_bytes: Callable[[int], bytes], epoch_s: int, data: Path | None = None
    ) -> None:
        """Build everything; nothing is bound yet. What devices kept in `data` they take up.

        Raises ProfileError, LoopError and MemoryFileError.
        """
        self.plant = plant
        self.world = build(plant, epoch_s)
        self._memory = Memory(data) if data else None
        self._upses = [device for device in self.world.devices.values() if isinstance(device, Ups)]
        if self._memory is not None:
            for ups in self._upses:
                self._memory.recall(ups)
        self.counters: Counter[str] = Counter()
        self._random = random_bytes
        self._sockets: dict[str, UdpSocket] = {}
        self._senders: dict[str, UdpSocket] = {}
        self._faces: list[SnmpAgent | IpmiLan] = []
        self._timer: asyncio.TimerHandle | None = None
        self._watchers: list[Callable[[], None]] = []
        self._zero = 0.0

    @property
    def places(self) -> dict[str, Place]:
        """Every device, by name."""
        return self.world.devices  # type: ignore[return-value]  # every device of ours is a Place; a test holds it

    async def start(self) -> None:
        """Bind every device and let time run. Raises BindError, with nothing left open."""
        self._zero = asyncio.get_running_loop().time()
        try:
            for device in self.world.devices.values():
                if isinstance(device, Ups):
                    self._serve_snmp(device)
                elif isinstance(device, Bmc):
                    self._serve_ipmi(device)
        except BindError:
            await self.stop()
            raise
        self.world.advance(self.now())
        self._changed()

    async def stop(self) -> None:
        """Close every socket."""
        if self._timer:
            self._timer.cancel()
        for socket in (*self._sockets.values(), *self._senders.values()):
            socket.close()
        self._sockets.clear()
        self._senders.clear()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` after everything that may have changed the world."""
        self._watchers.append(callback)

    def now(self) -> Instant:
        """The present instant of the world; never before a deadline that the timer was set for."""
        elapsed = asyncio.get_running_loop().time() - self._zero
        return max(self.world.now, Instant(round(elapsed * 1000)))

    def inject(self, place: str, name: str, args: list[str]) -> None:
        """Apply an input. Raises InputError with the accepted words."""
        device = self.places.get(place)
        if device is None:
            raise InputError(f"there is no {place!r} in this rig; accepted: {', '.join(self.places)}")
        now = self.now()
        self.world.advance(now)
        device.inputs.apply(name, args, now)
        self._changed()

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Every device's state, for people and tests."""
        now = self.now()
        self.world.advance(now)
        return {name: {"kind": place.kind, **place.snapshot(now)} for name, place in self.places.items()}

    def wiring(self) -> list[tuple[str, str]]:
        """Who feeds whom."""
        plant = self.plant
        edges = [(ups.mains, name) for name, ups in plant.ups.items()]
        edges += [(feed, name) for name, server in plant.servers.items() for feed in server.power]
        edges += [(disk.power[0], name) for name, disk in plant.disks.items()]
        return edges

    # --- faces ------------------------------------------------------------------------------------------------

    def _serve_snmp(self, ups: Ups) -> None:
        agent = SnmpAgent(ups.card)

        def receive(data: bytes, peer: tuple[str, int]) -> None:
            now = self.now()
            self.world.advance(now)
            answer = agent.receive(data, peer[0], now)
            if answer is not None:
                self._sockets[ups.name].send(answer, peer)
            if agent.changed:
                self._changed()
            else:
                self._flush()

        self._faces.append(agent)
        self._sockets[ups.name] = UdpSocket(ups.address, self.plant.ports.snmp, receive)
        self._senders[ups.name] = UdpSocket(ups.address, 0)

    def _serve_ipmi(self, bmc: Bmc) -> None:
        face = IpmiLan(bmc, self._random)

        def receive(data: bytes, peer: tuple[str, int]) -> None:
            now = self.now()
            self.world.advance(now)
            for answer in face.receive(data, peer, now):
                self._sockets[bmc.name].send(answer, peer)
            self._changed()

        self._faces.append(face)
        self._sockets[bmc.name] = UdpSocket(bmc.address, self.plant.ports.ipmi, receive)
        self._senders[bmc.name] = UdpSocket(bmc.address, 0)

    def face_counters(self) -> Counter[str]:
        """What all faces counted, added up."""
        total: Counter[str] = Counter(self.counters)
        for face in self._faces:
            total.update(face.counters)
        return total

    # --- time -------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.world.settle()
        self._flush()
        if self._memory is not None:
            for ups in self._upses:
                self._keep(self._memory, ups)
        for watcher in self._watchers:
            watcher()

    def _flush(self) -> None:
        """Send the traps that are due and set the timer for what comes next."""
        for device in self.world.devices.values():
            if isinstance(device, Ups):
                self._send(device.name, device.card.outgoing)
            elif isinstance(device, Bmc):
                self._send(device.name, device.outgoing)
        deadline = self.world.next_deadline()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._zero + deadline / 1000, self._due, deadline)

    def _keep(self, memory: Memory, ups: Ups) -> None:
        try:
            memory.keep(ups)
        except OSError as error:
            self.counters["settings_not_kept"] += 1
            log.error("settings not kept", device=ups.name, reason=str(error))  # noqa: TRY400

    def _due(self, deadline: Instant) -> None:
        # The loop may call a little early; the world must still reach its deadline.
        self._timer = None
        self.world.advance(max(deadline, self.now()))
        self._changed()

    def _send(self, name: str, outgoing: list[OutgoingTrap]) -> None:
        for receiver, port, community, trap in outgoing:
            data = encode(Message(Version.V1, community, trap))
            sent = self._senders[name].send(data, (receiver, port or self.plant.ports.trap))
            self.counters["traps_sent" if sent else "traps_not_sent"] += 1
        outgoing.clear()
