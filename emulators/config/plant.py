"""What a rig file says about the plant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from ridethrough.emulators.bindings.snmp import ANYBODY
from ridethrough.emulators.config.base import Address, Name, Port, Strict
from ridethrough.emulators.config.servers import (
    ClusterConfig,
    DiskConfig,
    HubConfig,
    IntelligentUpsConfig,
    ManagerConfig,
    ServerConfig,
)
from ridethrough.emulators.devices.ups.profile import AccessRow
from ridethrough.mibs.powernet import UPS_SETTINGS
from ridethrough.wire.snmp.usm import Auth, Priv


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
        given = {name: getattr(self, name) for name in UPS_SETTINGS}
        return {
            UPS_SETTINGS[name].object: value * UPS_SETTINGS[name].scale
            for name, value in given.items()
            if value is not None
        }


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

    @model_validator(mode="after")
    def _known_users(self) -> Self:
        for row in self.traps or ():
            if row.user is not None and row.user not in self.users:
                accepted = ", ".join(self.users) or "none"
                raise ValueError(f"traps: there is no user {row.user!r}; accepted: {accepted}")
        return self


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
    wake: OptionalPort = 9
    """Of the servers that can be woken."""


HIGH_PORTS = Ports(snmp=1161, trap=1162, ipmi=1623, http=1080, console=2323, echo=10007, wake=10009)


class Plant(Strict):
    """Everything emulated."""

    rig: Annotated[str, Field(min_length=1, max_length=64)]
    seed: int = 1
    mains: dict[Name, MainsConfig] = Field(default_factory=dict)
    ups: Mapping[Name, UpsConfig] = Field(default_factory=dict)
    servers: dict[Name, ServerConfig] = Field(default_factory=dict)
    disks: dict[Name, DiskConfig] = Field(default_factory=dict)
    clusters: dict[Name, ClusterConfig] = Field(default_factory=dict)
    hubs: dict[Name, HubConfig] = Field(default_factory=dict)
    managers: dict[Name, ManagerConfig] = Field(default_factory=dict)
    intelligent_ups: dict[Name, IntelligentUpsConfig] = Field(default_factory=dict)
    ports: Ports = Ports()

    @model_validator(mode="after")
    def _wiring(self) -> Self:
        others = (self.disks, self.clusters, self.hubs, self.managers, self.intelligent_ups)
        names = [name for section in (self.mains, self.ups, self.servers, *others) for name in section]
        twice = {name for name, count in Counter(names).items() if count > 1}
        if twice:
            raise ValueError(f"names must differ across the whole rig: {', '.join(sorted(twice))}")
        for name, ups in self.ups.items():
            _known(f"ups.{name}.mains", ups.mains, self.mains)
        for name, iups in self.intelligent_ups.items():
            _known(f"intelligent_ups.{name}.mains", iups.mains, self.mains)
        sources = dict.fromkeys([*self.mains, *self.ups, *self.intelligent_ups])
        for name, server in self.servers.items():
            for feed in server.power:
                _known(f"servers.{name}.power", feed.partition("/")[0], sources)
        for name, disk in self.disks.items():
            _known(f"disks.{name}.power", disk.power[0].partition("/")[0], sources)
        for name, cluster in self.clusters.items():
            for node in cluster.nodes:
                _known(f"clusters.{name}.nodes", node, self.servers)
            for shared in cluster.disks:
                _known(f"clusters.{name}.disks", shared, self.disks)
        bmcs = (f"{name}.bmc" for name, item in self.servers.items() if item.bmc)
        reachable = dict.fromkeys([*self.ups, *self.servers, *bmcs])
        for name, hub in self.hubs.items():
            _known(f"hubs.{name}.power", hub.power.partition("/")[0], sources)
            for served in hub.serves:
                _known(f"hubs.{name}.serves", served, reachable)
        return self


def _known(key: str, name: str, accepted: Collection[str]) -> None:
    if name not in accepted:
        raise ValueError(f"{key}: there is no {name!r}; accepted: {', '.join(accepted) or 'none'}")
