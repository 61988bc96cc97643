"""The only place of the emulators that opens sockets and reads the loop's clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from random import Random
from typing import Any, Protocol

import structlog

from ridethrough.emulators.bindings.inputs import InputError, Inputs, NoEffectError
from ridethrough.emulators.build import build
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.devices.bmc import BmcDevice
from ridethrough.emulators.devices.hub import Hub
from ridethrough.emulators.devices.manager import Manager
from ridethrough.emulators.devices.server import Server
from ridethrough.emulators.devices.ups import UpsDevice
from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.emulators.faces.udp import Readers
from ridethrough.emulators.hosts import BmcHost, UpsHost
from ridethrough.emulators.kernel.deadlines import Deadlines
from ridethrough.emulators.kernel.instant import Instant, soonest
from ridethrough.emulators.lan_hosts import ManagerHost, ServerHost
from ridethrough.emulators.state_files import StateFiles

log = structlog.get_logger("emulators")

Host = UpsHost | BmcHost | ServerHost | ManagerHost


class LabDevice(Protocol):
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

        Raises ProfileError, LoopError and StateFileError.
        """
        self.plant = plant
        self.world = build(plant, epoch_s)
        self._state_files = StateFiles(data) if data else None
        if self._state_files is not None:
            for device in self.world.devices.values():
                if isinstance(device, UpsDevice | BmcDevice):
                    self._state_files.load(device)
        self.counters: Counter[str] = Counter()
        self.readers = Readers(self.arrive)
        self.random_bytes = random_bytes
        self._hosts: dict[str, Host] = {}
        self._due_hosts = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: Instant | None = None
        self._watchers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[str, str, list[str]], None]] = []
        self._zero = 0.0
        self._time: Callable[[], float] = lambda: 0.0  # of the loop, once it runs

    @property
    def places(self) -> dict[str, LabDevice]:
        """Every device, by name."""
        return self.world.devices  # type: ignore[return-value]  # every device of ours is a LabDevice; a test holds it

    async def start(self) -> None:
        """Bind every device and let time run. Raises BindError, with nothing left open."""
        self._time = asyncio.get_running_loop().time
        self._zero = self._time()
        self.readers.open()
        try:
            for name, host in self._hosts_of():
                self._hosts[name] = host
                await host.start()
        except BindError:
            await self.stop()
            raise
        self.world.advance(self.now())
        self.world.settle()
        self._follow()

    def _hosts_of(self) -> Iterator[tuple[str, Host]]:
        plant = self.plant
        hubs = [device for device in self.world.devices.values() if isinstance(device, Hub)]
        ways = {served: hub for hub in hubs for served in hub.serves}
        for device in self.world.devices.values():
            way = ways.get(device.name)
            if isinstance(device, UpsDevice):
                serial = plant.ups[device.name].serial
                chance = Random(f"{plant.seed}:{device.name}")
                yield device.name, UpsHost(device, plant.ports, self, chance, Path(serial) if serial else None, way)
            elif isinstance(device, BmcDevice):
                chance = Random(f"{plant.seed}:{device.name}")
                yield device.name, BmcHost(device, plant.ports, self, chance, way)
            elif isinstance(device, Server):
                wakes = plant.servers[device.name].wake is not None
                yield device.name, ServerHost(device, plant.ports, self, wakes=wakes, way=way)
            elif isinstance(device, Manager):
                yield device.name, ManagerHost(device, plant.managers[device.name].port, self)

    async def stop(self) -> None:
        """Close every socket."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for host in self._hosts.values():
            await host.stop()
        self._hosts.clear()
        self.readers.close()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` after everything that may have changed the world."""
        self._watchers.append(callback)

    def listen(self, callback: Callable[[str, str, list[str]], None]) -> None:
        """Call `callback` with the place and the words of every input that was taken."""
        self._listeners.append(callback)

    def now(self) -> Instant:
        """The present instant of the world; never before a deadline that the timer was set for."""
        elapsed = self._time() - self._zero
        return max(self.world.now, Instant(round(elapsed * 1000)))

    def inject(self, place: str, name: str, args: list[str]) -> None:
        """Apply an input. Raises InputError with the accepted words, and NoEffectError where nothing comes of it."""
        device = self.places.get(place)
        if device is None:
            raise InputError(f"there is no {place!r} in this rig; accepted: {', '.join(self.places)}")
        now = self.now()
        self.world.advance(now)
        try:
            device.inputs.apply(name, args, now)
        except NoEffectError:
            self._overheard(place, name, args)  # it was said all the same
            raise
        self._overheard(place, name, args)
        self.changed(place)

    def _overheard(self, place: str, name: str, args: list[str]) -> None:
        for listener in self._listeners:
            listener(place, name, args)

    def snapshot(self, kinds: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        """Every device's state, or those of some kinds, for people and tests."""
        now = self.now()
        self.world.advance(now)
        places = {name: place for name, place in self.places.items() if kinds is None or place.kind in kinds}
        return {name: {"kind": place.kind, **place.snapshot(now)} for name, place in places.items()}

    def wiring(self) -> list[tuple[str, str]]:
        """Who feeds whom."""
        plant = self.plant
        edges = [(ups.mains, name) for name, ups in plant.ups.items()]
        edges += [(feed, name) for name, server in plant.servers.items() for feed in server.power]
        edges += [(disk.power[0], name) for name, disk in plant.disks.items()]
        edges += [(hub.power, name) for name, hub in plant.hubs.items()]
        edges += [(iups.mains, name) for name, iups in plant.intelligent_ups.items()]
        return [(feed.partition("/")[0], name) for feed, name in edges]

    def face_counters(self) -> Counter[str]:
        """What all faces counted, added up."""
        total: Counter[str] = Counter(self.counters)
        for host in self._hosts.values():
            total.update(host.counters)
        return total

    # --- time -------------------------------------------------------------------------------------------------

    def arrive(self) -> Instant:
        """Let the world come to the present, at which something arrives. Costs nothing while nothing is due."""
        now = self.now()
        if self._deadline is not None and self._deadline <= now:
            self.world.advance(now)
            self._follow()
        else:
            self.world.now = max(self.world.now, now)
        return now

    def changed(self, name: str) -> None:
        """A device may have changed: settle, keep, send and tell."""
        self.world.settle(name)
        self._follow()

    def flush(self, name: str) -> None:
        """A device may have something to send: send what is due and set the timer for what comes next."""
        if (host := self._hosts.get(name)) is not None:
            host.flush(self.world.now)
            self._due_hosts.put(name, host.next_deadline())
        self._set_timer()

    def _follow(self) -> None:
        """Send, keep and tell what devices came to since this was done last."""
        now = self.world.now
        for name in dict.fromkeys([*self.world.looked_at(), *self._due_hosts.until(now)]):
            if (host := self._hosts.get(name)) is not None:
                host.flush(now)
                self._due_hosts.put(name, host.next_deadline())
            device = self.world.devices[name]
            if self._state_files is not None and isinstance(device, UpsDevice | BmcDevice):
                self._save(self._state_files, device)
        self._set_timer()
        for watcher in self._watchers:
            watcher()

    def _set_timer(self) -> None:
        deadline = soonest(self.world.next_deadline(), self._due_hosts.first())
        if deadline == self._deadline and self._timer:
            return
        self._deadline = deadline
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._zero + deadline / 1000, self._due, deadline)

    def _save(self, files: StateFiles, device: UpsDevice | BmcDevice) -> None:
        try:
            files.save(device)
        except OSError as error:
            self.counters["settings_not_kept"] += 1
            log.error("settings not kept", device=device.name, reason=str(error))  # noqa: TRY400

    def _due(self, deadline: Instant) -> None:
        # The loop may call a little early; the world must still reach its deadline.
        self._timer = None
        self.world.advance(max(deadline, self.now()))
        self._follow()
