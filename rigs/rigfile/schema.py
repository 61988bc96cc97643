"""The rig file: plant, gateway, power-control groups and stand-in controllers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from ridethrough.emulators.config.base import Name, RigModel, Seconds
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.config.ports import HIGH_PORTS, Ports
from ridethrough.emulators.device_types import DEVICE_TYPES
from ridethrough.emulators.devices.bmc.config import AlertConfig
from ridethrough.emulators.devices.ups.config import UpsConfig
from ridethrough.gateway.config.http import Api
from ridethrough.gateway.config.site import (
    BmcDeviceConfig,
    Listen,
    Monitor,
    RecoveryWait,
    ServerDeviceConfig,
    Site,
    SnmpConfig,
    UpsDeviceConfig,
    WakeOnLan,
)
from ridethrough.rigs.controllers import AnyController
from ridethrough.rigs.power_groups import Group, PowerManagement, walk
from ridethrough.rigs.rigfile.environment import SoftwareEnvironment
from ridethrough.rigs.rigfile.ports import PortChoice, free_port
from ridethrough.rigs.rigfile.yaml import FileError, in_short, load
from ridethrough.rigs.topology import Topology, backup_heartbeats

LOOPBACK = "127.0.0.1"


class Defaults(RigModel):
    """Values for devices that do not give their own."""

    community: str = "public"


class RigGateway(Site):
    """The gateway of a rig. Devices of the plant are added by themselves."""

    _complete: ClassVar[bool] = False

    listen: tuple[Listen, ...] = ()
    """127.0.0.1 and every keyword address, on the trap port, when left out."""


class RigUps(UpsConfig):
    """A UPS with its network card."""

    confirm_s: Seconds = 60
    """Time for which the gateway waits before it confirms an outage."""


class RigFile(Plant):
    """A whole rig."""

    ups: Mapping[Name, RigUps] = Field(default_factory=dict)

    defaults: Defaults = Defaults()
    groups: dict[Annotated[str, Field(min_length=1)], Group] = Field(default_factory=dict)
    power_management: PowerManagement = PowerManagement()
    environment: SoftwareEnvironment = SoftwareEnvironment()
    gateway: RigGateway = RigGateway()
    controllers: tuple[AnyController, ...] = ()

    @model_validator(mode="after")
    def _references(self) -> Self:
        seen: set[str] = set()
        for name, group, _, _ in walk(self.groups):
            if name in seen:
                raise ValueError(f"groups: the name {name!r} is used twice")
            seen.add(name)
            for slot, accepted in (("pd", self.ups), ("ld", self.ups), ("ct", self.servers), ("lt", self.servers)):
                for member in getattr(group, slot):
                    if member not in accepted:
                        raise ValueError(
                            f"groups.{name}.{slot}: there is no {member!r}; accepted: {', '.join(accepted) or 'none'}"
                        )
        names = [controller.name for controller in self.controllers]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"controllers: the name {', '.join(sorted(twice))} is used twice; give each its own")
        for name in (*self.power_management.ups, *self.power_management.servers):
            if name not in self.ups and name not in self.servers:
                raise ValueError(f"power_management: there is no {name!r} in this rig")
        return self

    def groups_of(self, ups: str) -> tuple[str, ...]:
        """Return the groups in which a UPS is a power device or a linked device."""
        return tuple(name for name, group, _, _ in walk(self.groups) if ups in (*group.pd, *group.ld))

    def topology(self) -> Topology:
        """Return lookups over the power-control groups."""
        return Topology(self.groups, self.servers, self.clusters, self.power_management)


def load_rig(path: Path, ports: PortChoice = "file", patch: Mapping[str, Any] | None = None) -> RigFile:
    """Read a rig file; profiles given as files count from its folder. `patch` is laid over it. Raises FileError."""
    rig = load(path, RigFile, _with_profile_paths, patch)
    if ports == "file":
        return rig
    off = {name: None for name, port in rig.ports if port is None}
    others = HIGH_PORTS if ports == "high" else Ports(**{name: free_port() for name in Ports.model_fields})
    return rig.model_copy(update={"ports": others.model_copy(update=off)})


def _with_profile_paths(path: Path, document: Any) -> None:
    for found in DEVICE_TYPES:
        if found.profile is None:
            continue
        *keys, last = found.profile.path
        section = document.get(found.key)
        for part in section.values() if isinstance(section, dict) else ():
            for key in keys:
                part = part.get(key) if isinstance(part, dict) else None
            profile = part.get(last) if isinstance(part, dict) else None
            if isinstance(part, dict) and isinstance(profile, str) and profile.endswith(".yaml"):
                part[last] = str((path.parent / profile).resolve())


def plant_of(rig: RigFile) -> RigFile:
    """Return the rig with defaults filled in: trap destinations of BMCs and communities."""
    servers = {}
    for name, server in rig.servers.items():
        bmc = server.bmc
        if bmc is not None:
            places = _keywords(rig, name)
            changes: dict[str, Any] = {}
            if bmc.alerts is None and places:
                changes["alerts"] = tuple(AlertConfig(receiver=host, port=port) for host, port in places)
            if bmc.link.on is None:
                changes["link"] = bmc.link.model_copy(update={"on": bool(places)})
            server = server.model_copy(update={"bmc": bmc.model_copy(update=changes)})
        servers[name] = server
    return rig.model_copy(update={"servers": servers})


def _keywords(rig: RigFile, server: str) -> list[tuple[str, int]]:
    """Receive addresses that the monitors name for a server."""
    places: list[tuple[str, int]] = []
    for monitor in rig.gateway.monitors:
        if (text := monitor.keyword.get(server)) is not None:
            host, _, port = text.partition(":")
            places.append((host, int(port) if port else rig.ports.trap))
    return list(dict.fromkeys(places))


def site_of(rig: RigFile, data: Path | None, bind: str | None) -> Site:
    """Return the site that watches the plant of a rig. Raises FileError for a bad gateway part."""
    gateway = rig.gateway
    trap = rig.ports.trap
    devices: dict[str, Any] = dict(gateway.devices)
    connected: dict[str, list[str]] = {}
    for server in rig.servers.values():
        for feed in server.power:
            connected.setdefault(feed.partition("/")[0], []).append(server.address)
    for name, ups in rig.ups.items():
        askers = _askers(rig, name, connected)
        given = devices.get(name)
        if given is None:
            devices[name] = _ups_device(rig, name, ups, askers)
        elif isinstance(given, UpsDeviceConfig) and not given.snmp.command_sources:
            snmp = given.snmp.model_copy(update={"command_sources": askers})
            devices[name] = given.model_copy(update={"snmp": snmp})
    for name, server in rig.servers.items():
        if rig.ports.echo is not None:
            devices.setdefault(name, _server_device(rig, name, rig.ports.echo))
            in_cluster = any(name in cluster.nodes for cluster in rig.clusters.values())
            for label, address in backup_heartbeats(name, server).items() if in_cluster else ():
                devices.setdefault(label, ServerDeviceConfig(kind="server", address=address, port=rig.ports.echo))
        if server.bmc is None:
            continue
        user, secret = next(iter(server.bmc.users.items()))
        devices.setdefault(
            f"{name}.bmc",
            BmcDeviceConfig(
                kind="bmc",
                address=server.bmc.address,
                port=rig.ports.ipmi,
                user=user,
                password=secret.password,
                server=name,
                behind=_hub_of(rig, f"{name}.bmc"),
                recovery=RecoveryWait(start_s=server.bmc.link.start_s, end_s=server.bmc.link.end_s),
            ),
        )
    places = [("127.0.0.1", trap), *(place for server in rig.servers for place in _keywords(rig, server))]
    listen = gateway.listen or tuple(Listen(address=host, port=port) for host, port in dict.fromkeys(places))
    monitors = tuple(_with_port(monitor, trap) for monitor in gateway.monitors)
    try:
        api = gateway.api
        written = {key: getattr(gateway, key) for key in Site.model_fields}
        own = {
            "name": rig.rig,
            "listen": listen,
            "devices": devices,
            "monitors": monitors,
            "journal": gateway.journal.model_copy(update={"path": data}) if data else gateway.journal,
            "api": Api(bind=bind, tokens=api.tokens, limits=api.limits, tls=api.tls) if bind else api,
        }
        return Site(**{**written, **own})
    except ValidationError as error:
        raise FileError([f"rig {rig.rig}: gateway: {in_short(error)}"]) from error


def addresses_of(rig: RigFile) -> list[str]:
    """Return addresses that a machine needs before it can run the rig: those of devices beyond loopback."""
    listed = [*rig.addresses(), *(listen.address for listen in rig.gateway.listen)]
    own = (text for text in dict.fromkeys(listed) if not ip_address(text).is_loopback)
    return [text for text in own if not ip_address(text).is_unspecified]


def _with_port(monitor: Monitor, trap: int) -> Monitor:
    """A keyword without a port means the trap port of the rig."""
    return monitor.model_copy(
        update={"keyword": {key: text if ":" in text else f"{text}:{trap}" for key, text in monitor.keyword.items()}}
    )


def _askers(rig: RigFile, ups: str, connected: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the addresses that ask the card of a UPS: the control terminals', and those of the servers on it (003
    section 1.7.4.1).
    """
    terminals = (rig.servers[terminal].address for terminal in rig.topology().terminals)
    return tuple(dict.fromkeys((*terminals, *connected.get(ups, ()))))


def _ups_device(rig: RigFile, name: str, ups: RigUps, askers: tuple[str, ...]) -> UpsDeviceConfig:
    policy = rig.topology().policy_of(name)
    writing = next((row.community for row in ups.access if row.type.startswith("write")), rig.defaults.community)
    return UpsDeviceConfig(
        kind="ups",
        address=ups.address,
        snmp=SnmpConfig(
            version=1,
            community=policy.community or writing,
            port=rig.ports.snmp,
            source=_poll_source(ups, askers),
            command_sources=askers,
        ),
        confirm_s=ups.confirm_s,
        groups=rig.groups_of(name),
        silence_s=policy.silence_s,
        on_silence=policy.on_silence,
        behind=_hub_of(rig, name),
    )


def _poll_source(ups: RigUps, askers: Sequence[str]) -> str | None:
    """Return the address that polls come from: the gateway's own (None) where the card's rows admit it, else the first
    asker's that they do.
    """

    def admitted(address: str) -> bool:
        return any(row.type != "disabled" and row.admits(address) for row in ups.access)

    own = LOOPBACK if ip_address(ups.address).is_loopback else ups.address  # that of a packet within this machine
    if not ups.access or admitted(own):
        return None
    return next(filter(admitted, askers), None)


def _server_device(rig: RigFile, name: str, port: int) -> ServerDeviceConfig:
    server = rig.servers[name]
    wake = None
    if server.wake is not None and rig.ports.wake is not None:
        wake = WakeOnLan(mac=server.wake.mac, to=server.address, port=rig.ports.wake)
    return ServerDeviceConfig(kind="server", address=server.address, port=port, wake=wake, behind=_hub_of(rig, name))


def _hub_of(rig: RigFile, device: str) -> str | None:
    return next((name for name, hub in rig.hubs.items() if device in hub.serves), None)


__all__ = ["Ports", "RigFile", "addresses_of", "load_rig", "plant_of", "site_of"]
