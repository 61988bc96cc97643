"""The section `servers` of a rig file: hardware, operating system, guests, and the BMC on the board."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ridethrough.emulators.bindings.chassis import AcLink
from ridethrough.emulators.config.base import Address, Feed, Name, RigModel, Seconds
from ridethrough.emulators.devices.bmc.config import BmcConfig
from ridethrough.wire.wol import mac_address


class GuestConfig(RigModel):
    """A virtual machine. Its times are nobody's but the rig's: no document says any."""

    boot_s: Seconds = 30
    shutdown_s: Seconds = 20
    rank: int = Field(default=1, ge=1)
    """Lower ranks start first and stop last."""
    start_action: Literal["start", "nothing"] = "start"
    """自動開始アクション; `nothing` is 何もしない (002 section 4)."""
    stop_action: Literal["shutdown", "turn_off"] = "shutdown"
    """自動停止アクション, when the host shuts down."""
    integration_services: bool = True
    """Without 統合サービス the host cannot shut the guest down, and turns it off (002 section 6(2))."""


class WakeConfig(RigModel):
    """The network interface of a server that is off."""

    mac: Annotated[str, AfterValidator(lambda text: (mac_address(text), text)[1])]
    supported: bool = True
    """False for hardware that receives the packet and does not wake."""


class ServerConfig(RigModel):
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
    """`host`: the hypervisor starts its guests by itself; `controller`: it waits for one."""
    wake: WakeConfig | None = None
    clock_offset_s: float = 0
    """Seconds by which the server's clock is ahead."""
    bmc: BmcConfig | None = None
