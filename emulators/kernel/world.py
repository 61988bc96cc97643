"""Devices, the wires between them, and the order in which things happen.

Ports carry levels with memory: a wire copies what its source shows, and a device reads its ports whenever it is
asked to react. Nothing is lost when a device looks late, and nothing happens twice when it looks again. Only devices
that were touched, that are due, or whose ports changed are asked, so that thousands at rest cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ridethrough.emulators.kernel.deadlines import Deadlines
from ridethrough.emulators.kernel.instant import START, Instant

T = TypeVar("T")

SETTLE_ROUNDS = 64


class Port(Generic[T]):
    """A level at the edge of a device, which drives or reads it."""

    __slots__ = ("_name", "device", "value")

    def __init__(self, device: str, name: str, value: T) -> None:
        self.device = device
        self._name = name
        self.value = value

    @property
    def name(self) -> str:
        """`device.port`, for messages."""
        return f"{self.device}.{self._name}"


class Device(Protocol):
    """A device of the world. All its methods are free of clocks and chance."""

    name: str

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`. Called in order of deadlines, never late."""

    def react(self, now: Instant) -> None:
        """Read the ports and show the levels that follow. Must change nothing when nothing changed."""

    def next_deadline(self) -> Instant | None:
        """Return the instant at which `advance` must be called if nothing else happens before; None for never."""

    def ports(self) -> Iterable[Port[Any]]:
        """The ports this device drives."""


DeviceT = TypeVar("DeviceT", bound=Device)


class LoopError(RuntimeError):
    """Wires form a loop that never comes to rest."""


@dataclass(slots=True, eq=False)
class DeviceSlot:
    """A device, its wires, and its number in the order of the world.

    `revision` is another number whenever its state may have changed other than by the passing of time.
    """

    device: Device
    number: int
    revision: int
    wires: list[Wire[Any]]


@dataclass(frozen=True, slots=True)
class Wire(Generic[T]):
    """Copies a level from `source` to `sink`, which `reader` reads."""

    source: Port[T]
    sink: Port[T]
    reader: DeviceSlot


class World(Generic[DeviceT]):
    """All devices of a rig under one clock; `DeviceT` is what they have in common.

    Devices act in the order in which they were added when their deadlines coincide, so two runs of the same
    inputs give the same outputs.
    """

    def __init__(self) -> None:
        self.now: Instant = START
        self.devices: dict[str, DeviceT] = {}
        self._slots: dict[str, DeviceSlot] = {}
        self._due = Deadlines()
        self._changed: set[DeviceSlot] = set()

    def add(self, device: DeviceT) -> None:
        """Add a device, behind those that are there. Raises ValueError for a name that is taken."""
        if device.name in self.devices:
            raise ValueError(f"two devices are called {device.name}")
        self.devices[device.name] = device
        self._slots[device.name] = DeviceSlot(device, len(self._slots), 0, [])
        self._due.put(device.name, device.next_deadline())

    def connect(self, source: Port[T], sink: Port[T]) -> None:
        """Run a wire between devices of this world; it carries the present level when the world settles."""
        self._slots[source.device].wires.append(Wire(source, sink, self._slots[sink.device]))

    def slot(self, name: str) -> DeviceSlot:
        """A device's slot, whose `revision` shows when answers made from its state are out of date. Raises KeyError."""
        return self._slots[name]

    def next_deadline(self) -> Instant | None:
        """The next instant at which something happens by itself."""
        return self._due.first()

    def advance(self, to: Instant) -> None:
        """Let everything happen that is due up to and including `to`."""
        while (deadline := self._due.first()) is not None and deadline <= to:
            self.now = max(self.now, deadline)
            due = _in_order(self._slots[name] for name in self._due.until(self.now))
            for slot in due:
                slot.device.advance(self.now)
            self._settle(due)
        self.now = max(self.now, to)

    def settle(self, *names: str) -> None:
        """Carry levels along the wires until nothing changes, after something happened to the named devices.

        Without names anything may have happened to any of them. Raises LoopError, naming the ports still changing,
        when that does not come to an end.
        """
        self._settle([self._slots[name] for name in names] if names else list(self._slots.values()))

    def take_changed(self) -> list[str]:
        """The devices that may have changed since this was asked last, in the order in which they were added."""
        slots, self._changed = _in_order(self._changed), set()
        return [slot.device.name for slot in slots]

    def _settle(self, touched: list[DeviceSlot]) -> None:
        moved, acting, reached = set(touched), set(touched), set(touched)
        changed: list[str] = []
        for _ in range(SETTLE_ROUNDS):
            changed = []
            for wire in [wire for slot in moved for wire in slot.wires]:
                if wire.sink.value != wire.source.value:
                    wire.sink.value = wire.source.value
                    acting.add(wire.reader)
                    changed.append(wire.sink.name)
            reached |= acting
            moved = set()
            for slot in _in_order(acting):
                before = [port.value for port in slot.device.ports()]
                slot.device.react(self.now)
                if driven := [p.name for p, old in zip(slot.device.ports(), before, strict=True) if p.value != old]:
                    changed += driven
                    moved.add(slot)
            if not changed:
                break
            acting = set(moved)
        else:
            raise LoopError(f"the wires never come to rest: {', '.join(dict.fromkeys(changed))}")
        for slot in reached:
            slot.revision += 1
            self._due.put(slot.device.name, slot.device.next_deadline())
        self._changed |= reached


def _in_order(slots: Iterable[DeviceSlot]) -> list[DeviceSlot]:
    return sorted(slots, key=_number)


def _number(slot: DeviceSlot) -> int:
    return slot.number
