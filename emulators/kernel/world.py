"""Devices, the wires between them, and the order in which things happen.

Ports carry levels with memory: a wire copies what its source shows, and a device reads its ports whenever it is
asked to react. Nothing is lost when a device looks late, and nothing happens twice when it looks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from emulators.kernel.instant import START, Instant

T = TypeVar("T")

SETTLE_ROUNDS = 64


class Port(Generic[T]):
    """A level at the edge of a device. `name` is `device.port`, for messages."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: T) -> None:
        self.name = name
        self.value = value


class Device(Protocol):
    """What the world needs of a device. All of it is free of clocks and chance."""

    name: str

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`. Called in order of deadlines, never late."""

    def react(self, now: Instant) -> None:
        """Read the ports and show the levels that follow. Must change nothing when nothing changed."""

    def next_deadline(self) -> Instant | None:
        """When `advance` must be called next, if never asked again before."""

    def ports(self) -> Iterable[Port[Any]]:
        """The ports this device drives."""


class LoopError(RuntimeError):
    """Wires form a loop that never comes to rest."""


@dataclass(frozen=True, slots=True)
class Wire(Generic[T]):
    """Copies a level from `source` to `sink`."""

    source: Port[T]
    sink: Port[T]


class World:
    """All devices of a rig under one clock.

    Devices act in the order in which they were added when their deadlines coincide, so two runs of the same
    inputs give the same outputs.
    """

    def __init__(self) -> None:
        self.now: Instant = START
        self.revision = 0  # another number whenever any state may have changed other than by the passing of time
        self.devices: dict[str, Device] = {}
        self._wires: list[Wire[Any]] = []

    def add(self, device: Device) -> None:
        if device.name in self.devices:
            raise ValueError(f"two devices are called {device.name}")
        self.devices[device.name] = device

    def connect(self, source: Port[T], sink: Port[T]) -> None:
        """Run a wire; it carries the present level at once when the world settles."""
        self._wires.append(Wire(source, sink))

    def next_deadline(self) -> Instant | None:
        """The next instant at which something happens by itself."""
        return min(
            (deadline for device in self.devices.values() if (deadline := device.next_deadline()) is not None),
            default=None,
        )

    def advance(self, to: Instant) -> None:
        """Let everything happen that is due up to and including `to`."""
        while (deadline := self.next_deadline()) is not None and deadline <= to:
            self.now = max(self.now, deadline)
            for device in self.devices.values():
                own = device.next_deadline()
                if own is not None and own <= self.now:
                    device.advance(self.now)
            self.settle()
        self.now = max(self.now, to)

    def settle(self) -> None:
        """Carry levels along the wires until nothing changes.

        Raises LoopError, naming the ports still changing, when that does not come to an end.
        """
        self.revision += 1
        changed: list[str] = []
        for _ in range(SETTLE_ROUNDS):
            changed = []
            for wire in self._wires:
                if wire.sink.value != wire.source.value:
                    wire.sink.value = wire.source.value
                    changed.append(wire.sink.name)
            before = [port.value for device in self.devices.values() for port in device.ports()]
            for device in self.devices.values():
                device.react(self.now)
            moved = [port for device in self.devices.values() for port in device.ports()]
            changed += [port.name for port, old in zip(moved, before, strict=True) if port.value != old]
            if not changed:
                return
        raise LoopError(f"the wires never come to rest: {', '.join(dict.fromkeys(changed))}")
