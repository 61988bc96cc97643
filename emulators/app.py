"""The running plant: starts a host for each device, and advances the world by the loop's clock.

Faces and hosts open the sockets; the world's time is read here alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import structlog

from ridethrough.emulators.bindings.device_types import LabDevice
from ridethrough.emulators.bindings.inputs import InputError, NoEffectError
from ridethrough.emulators.build import build
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.faces.bind_error import BindError
from ridethrough.emulators.faces.udp import EpollReader
from ridethrough.emulators.hosts import HOSTS, DeviceHost, HostContext
from ridethrough.emulators.kernel.deadlines import Deadlines
from ridethrough.emulators.kernel.instant import Instant, soonest
from ridethrough.emulators.state_files import StateFiles, StatefulDevice

log = structlog.get_logger("emulators")


@runtime_checkable
class UplinkDevice(Protocol):
    """A device through which others are reached."""

    serves: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """True if datagrams get through now, in either direction."""


class Emulators:
    """A running plant."""

    def __init__(
        self, plant: Plant, random_bytes: Callable[[int], bytes], epoch_s: int, data: Path | None = None
    ) -> None:
        """Build everything; nothing is bound yet. Devices continue with the settings kept in `data`.

        Raises ProfileError, LoopError and StateFileError.
        """
        self.plant = plant
        self.world = build(plant, epoch_s)
        self._state_files = StateFiles(data) if data else None
        self._stateful: dict[str, StatefulDevice] = {}
        if self._state_files is not None:
            for name, device in self.world.devices.items():
                if isinstance(device, StatefulDevice):
                    self._state_files.load(device)
                    self._stateful[name] = device
        self.counters: Counter[str] = Counter()
        self.reader = EpollReader(self.catch_up)
        self.random_bytes = random_bytes
        self._hosts: dict[str, DeviceHost] = {}
        self._due_hosts = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: Instant | None = None
        self._watchers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[str, str, list[str]], None]] = []
        self._zero = 0.0
        self._time: Callable[[], float] = lambda: 0.0  # of the loop, once it runs

    @property
    def devices(self) -> dict[str, LabDevice]:
        """Every device, by name."""
        return self.world.devices

    async def start(self) -> None:
        """Bind every device and let time run. Raises BindError, with nothing left open."""
        self._time = asyncio.get_running_loop().time
        self._zero = self._time()
        self.reader.open()
        try:
            for name, host in self._hosts_of():
                self._hosts[name] = host
                await host.start()
        except BindError:
            await self.stop()
            raise
        self.world.advance(self.now())
        self.world.settle()
        self._flush_changed()

    def _hosts_of(self) -> Iterator[tuple[str, DeviceHost]]:
        devices = self.world.devices
        switches = [device for device in devices.values() if isinstance(device, UplinkDevice)]
        uplinks = {served: switch for switch in switches for served in switch.serves}
        context = HostContext(self, self.plant.ports, self.plant.seed, uplinks)
        for name, device in devices.items():
            if (make := HOSTS.get(device.kind)) is not None:
                yield name, make(device, context)

    async def stop(self) -> None:
        """Close every socket."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for host in self._hosts.values():
            await host.stop()
        self._hosts.clear()
        self.reader.close()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` after everything that may have changed the world."""
        self._watchers.append(callback)

    def listen(self, callback: Callable[[str, str, list[str]], None]) -> None:
        """Call `callback` with the device and the words of every input that was taken."""
        self._listeners.append(callback)

    def now(self) -> Instant:
        """The present instant of the world; never before a deadline that the timer was set for."""
        elapsed = self._time() - self._zero
        return max(self.world.now, Instant(round(elapsed * 1000)))

    def inject(self, name: str, word: str, args: list[str]) -> None:
        """Apply an input to a device.

        Raises InputError with the accepted words, and NoEffectError where nothing comes of it.
        """
        device = self.devices.get(name)
        if device is None:
            raise InputError(f"there is no {name!r} in this rig; accepted: {', '.join(self.devices)}")
        now = self.now()
        self.world.advance(now)
        try:
            device.inputs.apply(word, args, now)
        except NoEffectError:
            self._announce_input(name, word, args)  # it was entered all the same
            raise
        self._announce_input(name, word, args)
        self.changed(name)

    def _announce_input(self, name: str, word: str, args: list[str]) -> None:
        for listener in self._listeners:
            listener(name, word, args)

    def snapshot(self, kinds: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        """Return every device's state, or those of some kinds, by name, as JSON."""
        now = self.now()
        self.world.advance(now)
        devices = {name: device for name, device in self.devices.items() if kinds is None or device.kind in kinds}
        return {name: {"kind": device.kind, **device.snapshot(now)} for name, device in devices.items()}

    def wiring(self) -> list[tuple[str, str]]:
        """Return the pairs of feed and fed, for the drawing of the plant."""
        references = self.plant.references()
        return [(reference.device, name) for _, name, reference in references if reference.feeds]

    def face_counters(self) -> Counter[str]:
        """Return the counters of all faces, added up."""
        total: Counter[str] = Counter(self.counters)
        for host in self._hosts.values():
            total.update(host.counters)
        return total

    # --- time -------------------------------------------------------------------------------------------------

    def catch_up(self) -> Instant:
        """Let the world come to the present, at which something arrives. Costs nothing while nothing is due."""
        now = self.now()
        if self._deadline is not None and self._deadline <= now:
            self.world.advance(now)
            self._flush_changed()
        else:
            self.world.now = max(self.world.now, now)
        return now

    def changed(self, name: str) -> None:
        """Settle after a device may have changed; send, keep and notify watchers."""
        self.world.settle(name)
        self._flush_changed()

    def flush(self, name: str) -> None:
        """A device may have something to send: send what is due and set the timer for what comes next."""
        if (host := self._hosts.get(name)) is not None:
            host.flush(self.world.now)
            self._due_hosts.put(name, host.next_deadline())
        self._set_timer()

    def _flush_changed(self) -> None:
        """Let hosts send and settings be kept of all devices reached since the last call; notify watchers."""
        now = self.world.now
        for name in dict.fromkeys([*self.world.take_changed(), *self._due_hosts.until(now)]):
            if (host := self._hosts.get(name)) is not None:
                host.flush(now)
                self._due_hosts.put(name, host.next_deadline())
            if self._state_files is not None and (device := self._stateful.get(name)) is not None:
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

    def _save(self, files: StateFiles, device: StatefulDevice) -> None:
        try:
            files.save(device)
        except OSError as error:
            self.counters["settings_not_kept"] += 1
            log.error("settings not kept", device=device.name, reason=str(error))  # noqa: TRY400

    def _due(self, deadline: Instant) -> None:
        # The loop may call a little early; the world must still reach its deadline.
        self._timer = None
        self.world.advance(max(deadline, self.now()))
        self._flush_changed()
