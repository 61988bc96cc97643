"""What a rig file says about servers, their BMCs, and what runs on them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ridethrough.emulators.bindings.chassis import AcLink
from ridethrough.emulators.config.base import Address, Feed, Name, Port, Seconds, Strict
from ridethrough.wire.wol import mac_address


class BmcUser(Strict):
    """A user of the BMC's LAN channel."""

    password: str = Field(max_length=20)
    privilege: Literal["user", "operator", "administrator"] = "administrator"


class AlertConfig(Strict):
    """Where platform event traps go."""

    receiver: Address
    port: Port | None = None
    acknowledge: bool = False
    """Repeat until the receiver acknowledges."""
    timeout_s: int = Field(default=1, ge=1, le=255)
    retries: int = Field(default=0, ge=0, le=7)


class LinkConfig(Strict):
    """How a BMC waits for a cluster's recovery before it acts on a fault."""

    on: bool | None = None
    """When left out: on where a monitor of the gateway names the server."""
    start_s: int = Field(default=10, ge=1, le=65535)
    """From the notice to the start of recovery."""
    end_s: int = Field(default=120, ge=1, le=65535)
    """From the start of recovery to its end."""
    ceiling_s: int = Field(default=300, ge=1, le=65535)
    """However often the recovery is extended."""


class BmcConfig(Strict):
    """A BMC on a server's board."""

    profile: str = "express5800-a1080a"
    address: Address
    suites: tuple[Literal[0, 1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17], ...] | None = Field(default=None, min_length=1)
    """Cipher suites that are on; those of the profile when left out. Suite 0 lets anybody in who knows a name."""
    link: LinkConfig = LinkConfig()
    inject: bool = False
    """Whether managers may inject faults by IPMI."""
    users: dict[Annotated[str, Field(max_length=16)], BmcUser] = Field(min_length=1, max_length=14)
    alerts: tuple[AlertConfig, ...] | None = Field(default=None, max_length=8)
    """Trap destinations; when left out, the keyword address of its server, or the gateway."""


class GuestConfig(Strict):
    """A virtual machine. Its times are nobody's but the rig's: no document says any."""

    boot_s: Seconds = 30
    shutdown_s: Seconds = 20
    rank: int = Field(default=1, ge=1)
    """Lower ranks start first and stop last."""


class WakeConfig(Strict):
    """The network interface of a server that is off."""

    mac: Annotated[str, AfterValidator(lambda text: (mac_address(text), text)[1])]
    supported: bool = True
    """Whether the hardware wakes the server at all."""


class ServerConfig(Strict):
    """A server with one power supply for each entry of `power`."""

    power: tuple[Feed, ...] = Field(min_length=1, max_length=8)
    """UPSs or mains that feed it, one power supply each; `UPS1/2` is the second outlet group of UPS1."""
    address: Address
    other_addresses: tuple[Address, ...] = Field(default=(), max_length=7)
    """More network interfaces."""
    boot_s: Seconds = 120
    shutdown_s: Seconds = 60
    order_s: Seconds = 0
    """From an order to shut down until the operating system begins to."""
    ac_link: AcLink = AcLink.ON
    load_w: float = Field(default=200, ge=0)
    watchdog_s: float = Field(default=0, ge=0, le=6553)
    """Time after which the BMC's watchdog finds the operating system hung; 0 without a watchdog service."""
    guests: dict[Name, GuestConfig] = Field(default_factory=dict)
    """Virtual machines of a hypervisor host."""
    guests_start: Literal["host", "controller"] = "host"
    """Whether the hypervisor starts its guests by itself, or waits for a controller."""
    wake: WakeConfig | None = None
    clock_offset_s: float = 0
    """How far the server's clock is ahead."""
    bmc: BmcConfig | None = None


class DiskConfig(Strict):
    """A shared disk array."""

    power: tuple[Feed, ...] = Field(min_length=1, max_length=1)
    spin_up_s: Seconds = 90
    load_w: float = Field(default=150, ge=0)


class ClusterConfig(Strict):
    """A failover cluster."""

    nodes: tuple[Name, ...] = Field(min_length=2, max_length=16)
    kind: Literal["shared", "mirror"] = "shared"
    """With shared disks, or with mirrored disks of the nodes' own."""
    disks: tuple[Name, ...] = ()
    """Shared disks without which a node that starts has to wait."""
    groups: dict[Name, Name] = Field(default_factory=dict)
    """Failover groups, each with the node it is at home on."""
    shutdown_s: Seconds = 40
    """How long a cluster shutdown takes."""

    @model_validator(mode="after")
    def _homes(self) -> Self:
        for group, home in self.groups.items():
            if home not in self.nodes:
                raise ValueError(f"groups.{group}: {home!r} is no node; accepted: {', '.join(self.nodes)}")
        if self.kind == "mirror" and self.disks:
            raise ValueError("a mirror cluster has no shared disks")
        return self


class HubConfig(Strict):
    """A network hub; what hangs on it is silent while the hub has no power."""

    power: Feed
    serves: tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}(\.bmc)?$")], ...] = Field(min_length=1)
    load_w: float = Field(default=20, ge=0)
    """No document says."""


class ManagerConfig(Strict):
    """A manager on a cluster that receives traps: an address of each node, and one that floats with the service."""

    nodes: dict[Name, Address] = Field(min_length=1, max_length=16)
    floating: Address
    port: Port = 162


class IntelligentUpsConfig(Strict):
    """A UPS with an AUTO/LOCAL switch, without a network card: its controller reaches it by its serial line."""

    mains: Name
    nodes: int = Field(default=1, ge=1, le=16)
    """Servers that its interfaces serve."""
    lan_board: bool = False
    line_board: bool = False
    """The V.24 board, whose line signal switches."""
    hold_s: Seconds = 600
    """How long its battery lasts; no document says."""
    off_delay_s: Seconds = 120
    """From the order to its outlets going off; no document says."""
