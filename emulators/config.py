"""What a rig file says about the plant."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from emulators.bindings.chassis import AcLink
from emulators.bindings.snmp import ANYBODY
from emulators.devices.ups.profile import AccessRow
from wire.snmp.usm import Auth, Priv


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _address(value: object) -> object:
    return str(IPv4Address(value)) if isinstance(value, str) else value


Address = Annotated[str, BeforeValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0)]
Feed = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}(/[1-9]\d?)?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]


class MainsConfig(Strict):
    """A supply from the street."""

    volts: float = Field(default=100, gt=0, le=1000)
    hertz: float = Field(default=60, gt=0, le=400)


class TrapReceiver(Strict):
    """A row of the card's trap receiver table."""

    receiver: Address
    community: str = Field(default="public", min_length=1, max_length=15)
    version: Literal[1, "2c", 3] = 1
    inform: bool = False
    """Ask for an acknowledgement and repeat until it comes; not in version 1."""
    user: str | None = None
    """User of version 3, one of the card's."""
    generation: bool = True
    """Whether traps go to this receiver at all."""
    authentication: bool = True
    """Whether traps of failed authentication go to it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.inform and self.version == 1:
            raise ValueError("there are no informs in version 1; accepted: version: 2c, version: 3")
        if (self.version == 3) != (self.user is not None):
            raise ValueError("version: 3 goes with a user")
        return self


class UpsSettings(Strict):
    """Settings stored in the UPS; a value the model does not permit is corrected as the UPS would do."""

    shutoff_delay_s: int | None = Field(default=None, ge=0)
    return_delay_s: int | None = Field(default=None, ge=0)
    low_battery_s: int | None = Field(default=None, ge=0)
    sleep_s: int | None = Field(default=None, ge=0)
    high_transfer_v: int | None = Field(default=None, gt=0)
    low_transfer_v: int | None = Field(default=None, gt=0)
    min_return_percent: int | None = Field(default=None, ge=0, le=100)
    sensitivity: Literal[2, 3, 4] | None = None

    def objects(self) -> dict[str, int]:
        """Object names to values in the object's unit, for those that are set."""
        rows = {
            "upsAdvConfigShutoffDelay": (self.shutoff_delay_s, 100),
            "upsAdvConfigReturnDelay": (self.return_delay_s, 100),
            "upsAdvConfigLowBatteryRunTime": (self.low_battery_s, 100),
            "upsAdvConfigUpsSleepTime": (self.sleep_s, 100),
            "upsAdvConfigHighTransferVolt": (self.high_transfer_v, 1),
            "upsAdvConfigLowTransferVolt": (self.low_transfer_v, 1),
            "upsAdvConfigMinReturnCapacity": (self.min_return_percent, 1),
            "upsAdvConfigSensitivity": (self.sensitivity, 1),
        }
        return {name: value * scale for name, (value, scale) in rows.items() if value is not None}


class V3User(Strict):
    """A version 3 user of a card; the passphrases have 15 to 32 characters, as cards want them."""

    type: Literal["read", "write"] = "read"
    auth: Auth | None = None
    auth_key: str | None = Field(default=None, min_length=15, max_length=32, repr=False)
    priv: Priv | None = None
    priv_key: str | None = Field(default=None, min_length=15, max_length=32, repr=False)
    view: tuple[Annotated[str, Field(pattern=r"^\d+(\.\d+)+$")], ...] = ()
    """Subtrees that the user sees; all when left out."""
    manager: str = Field(default=ANYBODY, pattern=r"^(any|\d{1,3}(\.\d{1,3}){3})$")
    """From where the user may ask: `any`, or an address with 255 for any octet."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.auth is None) != (self.auth_key is None) or (self.priv is None) != (self.priv_key is None):
            raise ValueError("auth goes with auth_key, and priv with priv_key")
        if self.priv is not None and self.auth is None:
            raise ValueError("there is no privacy without authentication")
        return self


class UpsConfig(Strict):
    """A UPS with its network card."""

    profile: str = "smart-ups-1400-100v"
    mains: Name
    address: Address
    settings: UpsSettings = UpsSettings()
    access: tuple[AccessRow, ...] = Field(default=(), max_length=4)
    """Access rows of the card; without any, the factory rows of the profile."""
    users: dict[Annotated[str, Field(min_length=1, max_length=32)], V3User] = Field(default_factory=dict, max_length=4)
    """Version 3 users; without any, version 3 is off."""
    traps: tuple[TrapReceiver, ...] | None = Field(default=None, max_length=4)
    """Trap receivers; when left out, the gateway of the rig."""
    serial: str | None = None
    """Where to put the serial port of the card, as a link to a pseudo-terminal."""
    confirm_s: Seconds = 60
    """How long the gateway waits before it confirms an outage."""

    @model_validator(mode="after")
    def _known_users(self) -> Self:
        for row in self.traps or ():
            if row.user is not None and row.user not in self.users:
                accepted = ", ".join(self.users) or "none"
                raise ValueError(f"traps: there is no user {row.user!r}; accepted: {accepted}")
        return self


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


class ServerConfig(Strict):
    """A server with one power supply for each entry of `power`."""

    power: tuple[Feed, ...] = Field(min_length=1, max_length=8)
    """UPSs or mains that feed it, one power supply each; `UPS1/2` is the second outlet group of UPS1."""
    address: Address
    boot_s: Seconds = 120
    shutdown_s: Seconds = 60
    ac_link: AcLink = AcLink.ON
    load_w: float = Field(default=200, ge=0)
    watchdog_s: float = Field(default=0, ge=0, le=6553)
    """Time after which the BMC's watchdog finds the operating system hung; 0 without a watchdog service."""
    bmc: BmcConfig | None = None


class DiskConfig(Strict):
    """A shared disk array."""

    power: tuple[Feed, ...] = Field(min_length=1, max_length=1)
    spin_up_s: Seconds = 90
    load_w: float = Field(default=150, ge=0)


def _off(value: object) -> object:
    return None if value == "off" else value


OptionalPort = Annotated[Port | None, BeforeValidator(_off)]


class Ports(Strict):
    """Well-known ports, or others where they cannot be bound; `off` where a face of the cards is not wanted."""

    snmp: Port = 161
    trap: Port = 162
    ipmi: Port = 623
    http: OptionalPort = 80
    console: OptionalPort = 23
    echo: OptionalPort = 7
    """Of the servers: answered while their operating system runs (RFC 862)."""


HIGH_PORTS = Ports(snmp=1161, trap=1162, ipmi=1623, http=1080, console=2323, echo=10007)


class Plant(Strict):
    """Everything emulated."""

    rig: Annotated[str, Field(min_length=1, max_length=64)]
    seed: int = 1
    mains: dict[Name, MainsConfig] = Field(default_factory=dict)
    ups: dict[Name, UpsConfig] = Field(default_factory=dict)
    servers: dict[Name, ServerConfig] = Field(default_factory=dict)
    disks: dict[Name, DiskConfig] = Field(default_factory=dict)
    ports: Ports = Ports()

    @model_validator(mode="after")
    def _wiring(self) -> Self:
        names = [*self.mains, *self.ups, *self.servers, *self.disks]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"names must differ across the whole rig: {', '.join(sorted(twice))}")
        for name, ups in self.ups.items():
            _known(f"ups.{name}.mains", ups.mains, self.mains)
        sources = {**self.mains, **self.ups}
        for name, server in self.servers.items():
            for feed in server.power:
                _known(f"servers.{name}.power", feed.partition("/")[0], sources)
        for name, disk in self.disks.items():
            _known(f"disks.{name}.power", disk.power[0].partition("/")[0], sources)
        return self


def _known(key: str, name: str, accepted: Mapping[str, Strict]) -> None:
    if name not in accepted:
        raise ValueError(f"{key}: there is no {name!r}; accepted: {', '.join(accepted) or 'none'}")
