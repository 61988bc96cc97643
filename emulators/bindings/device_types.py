"""The row with which a folder of `devices/` describes a type of device: its key, its configuration, how it is built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from ridethrough.emulators.bindings.chassis import HostState, OsOrder
from ridethrough.emulators.bindings.inputs import Inputs
from ridethrough.emulators.config.base import RigModel
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.power import Inlet, Outlet, plug
from ridethrough.emulators.kernel.world import Device, Port, World
from ridethrough.mibs import MibTree

ConfigT = TypeVar("ConfigT", bound=RigModel)
OutletMaker = Callable[[str], Outlet]
GroupOutletMaker = Callable[[str, int], Outlet]


class LabDevice(Device, Protocol):
    """A device with everything that the lab shows of it: its kind, the inputs that it takes, its state."""

    kind: str
    inputs: Inputs

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state for people and scenarios, as JSON."""


@runtime_checkable
class DetailedDevice(Protocol):
    """A device with more to show than its state: objects, sensors, records."""

    def details(self, tree: MibTree, now: Instant) -> dict[str, Any]:
        """Return lists of rows by title, as JSON, for the device's page of the console."""


class Stage(IntEnum):
    """Order in which devices are built, and act when several have something to do at one instant."""

    SOURCE = 0
    """Has no input: mains."""
    FEED = 1
    """Fed by a source, feeds others: UPSs."""
    STORAGE = 2
    """Shared disks, which are ready before the servers that want them."""
    CONSUMER = 3
    CLUSTER = 4
    """Software on several consumers."""
    MANAGER = 5
    """Knows the addresses of all that send traps."""


class Among(IntEnum):
    """Sets of names that a configuration may refer to, beside the sections of single types."""

    FEEDS = 0
    """Devices with outlets."""
    REACHABLE = 1
    """Everything with an address, BMCs included."""


class Reference(NamedTuple):
    """A name of another device in a configuration."""

    key: str
    """The key below the device under which the name stands."""
    name: str
    """As it is written; `UPS1/2` is the second outlet group of UPS1."""
    among: Among | str
    """Names that are accepted: a set, or the key of a section."""
    feeds: bool = False
    """True if power comes from there."""

    @property
    def device(self) -> str:
        """The name without an outlet group."""
        return self.name.partition("/")[0]


class ServiceAddress(NamedTuple):
    """Protocol and address with which a device answers."""

    protocol: str
    """`snmp`, `http`, `telnet` or `ipmi`."""
    address: str
    port: int
    stream: bool = False
    """True for TCP, False for UDP."""


class Interface(NamedTuple):
    """A device on the network, before it runs."""

    name: str
    kind: str
    """The `kind` of the device."""
    title: str
    """Name for people, such as UPS card."""
    services: tuple[ServiceAddress, ...]


class ProfileKey(NamedTuple):
    """Key under which a configuration names a profile."""

    path: tuple[str, ...]
    """Keys below the device."""
    load: Callable[[str], object]
    """Read the profile of a name or of a file. Raises ProfileError where it is none, or is not complete."""


class NodePorts(NamedTuple):
    """A server as a cluster on it knows it."""

    host: Port[HostState]
    agent: Port[OsOrder]
    """Takes orders to the operating system."""


class Construction:
    """The world under construction, with what builders find of devices that were built before."""

    def __init__(self, rig: str, ports: Ports, epoch_s: int) -> None:
        """`epoch_s` is the Unix time at which the world begins."""
        self.rig = rig
        self.ports = ports
        self.epoch_s = epoch_s
        self.world: World[LabDevice] = World()
        self.trap_sources: dict[str, str] = {}
        """Addresses from which traps come, with the names of the devices."""
        self.nodes: dict[str, NodePorts] = {}
        """Servers, for the clusters on them."""
        self.ready: dict[str, Port[bool]] = {}
        """Shared disks, with the level that says whether one is ready."""
        self._outlets: dict[str, tuple[OutletMaker, GroupOutletMaker | None]] = {}

    def add_feed(self, name: str, outlet: OutletMaker, in_group: GroupOutletMaker | None = None) -> None:
        """Let others be fed from a device. `in_group` makes an outlet in an outlet group, where the type has any."""
        self._outlets[name] = outlet, in_group

    def plug(self, feed: str, consumer: str, inlet: Inlet) -> None:
        """Plug a consumer into an outlet of its own. `UPS1/2` is one in the second outlet group of UPS1."""
        name, _, group = feed.partition("/")
        outlet, in_group = self._outlets[name]
        made = in_group(consumer, int(group)) if group and in_group is not None else outlet(consumer)
        plug(self.world, made, inlet)


def _nothing(_config: Any) -> Iterable[Any]:
    return ()


def _no_groups(_config: Any) -> Collection[int]:
    return ()


def _no_names(_name: str, _config: Any) -> Iterable[str]:
    return ()


def _no_interfaces(_name: str, _config: Any, _ports: Ports) -> Iterable[Interface]:
    return ()


@dataclass(frozen=True)
class DeviceType(Generic[ConfigT]):
    """A type of device: a section of rig files, and how its devices are built. Its folder has it as `DEVICE_TYPE`."""

    key: str
    """The section's key in a rig file."""
    position: int
    """Order among the sections of a rig file, no two alike."""
    stage: Stage
    config: type[ConfigT]
    """The keys of one device in its section."""
    build: Callable[[Construction, str, ConfigT], None]
    """Add the device of a name and its wires to the world. Raises ProfileError."""
    is_feed: bool = False
    """True if others may name it as their feed."""
    references: Callable[[ConfigT], Iterable[Reference]] = _nothing
    """Other devices that a configuration names."""
    reachable: Callable[[str, ConfigT], Iterable[str]] = _no_names
    """Names under which a device has addresses: its own, and that of its BMC."""
    addresses: Callable[[ConfigT], Iterable[str]] = _nothing
    """IP addresses that the machine must have for a device."""
    interfaces: Callable[[str, ConfigT, Ports], Iterable[Interface]] = _no_interfaces
    """Devices that answer on the network, with their sockets."""
    profile: ProfileKey | None = None
    agents: frozenset[str] = frozenset()
    """Kinds of its devices whose state an agent shows to software on servers, such as controllers."""
    outlet_groups: Callable[[ConfigT], Collection[int]] = _no_groups
    """Indexes of the outlet groups of a feed."""
