"""From the configuration of a UPS to the device."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ridethrough.emulators.bindings.device_types import (
    Construction,
    DeviceType,
    Interface,
    ProfileKey,
    Reference,
    ServiceAddress,
    Stage,
)
from ridethrough.emulators.bindings.snmp import Access, UsmUser
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.devices.ups.card.card import Receiver
from ridethrough.emulators.devices.ups.config import UpsConfig
from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.devices.ups.profile import load_profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.mibs import Oid
from ridethrough.mibs.powernet import UPS_NAME

LOOPBACK = "127.0.0.1"
VERSIONS = {1: 1, "2c": 2, 3: 3}


def build(construction: Construction, name: str, config: UpsConfig) -> None:
    """Add a UPS on its mains; others may be fed from it, or from one of its outlet groups. Raises ProfileError."""
    ups = EmulatedUps(
        name,
        load_profile(config.profile),
        config.address,
        access=config.access,
        receivers=_receivers(config),
        settings=config.settings.objects(),
        users=_users(config),
        serial=Path(config.serial) if config.serial else None,
        configured=config.configured,
    )
    if config.settings.name is not None:
        ups.card.stored.written[f"{UPS_NAME}.0"] = config.settings.name.encode()
    construction.world.add(ups)
    construction.plug(config.mains, name, ups.inlet)
    construction.add_feed(name, ups.outlet, ups.outlet)
    construction.trap_sources[config.address] = name


def _receivers(config: UpsConfig) -> tuple[Receiver, ...]:
    if config.traps is None:
        return (Receiver(LOOPBACK),)
    return tuple(
        Receiver(
            row.receiver,
            row.community.encode(),
            enabled=row.generation,
            authentication_traps=row.authentication,
            version=VERSIONS[row.version],
            inform=row.inform,
            user=(row.user or "").encode(),
        )
        for row in config.traps
    )


def _users(config: UpsConfig) -> tuple[UsmUser, ...]:
    return tuple(
        UsmUser(
            name.encode(),
            Access.WRITE if user.type == "write" else Access.READ,
            user.auth,
            (user.auth_key or "").encode(),
            user.priv,
            (user.priv_key or "").encode(),
            tuple(Oid.parse(subtree) for subtree in user.view),
            user.manager,
        )
        for name, user in config.users.items()
    )


def references(config: UpsConfig) -> Iterable[Reference]:
    """Name the mains."""
    yield Reference("mains", config.mains, "mains", feeds=True)


def reachable(name: str, _config: UpsConfig) -> Iterable[str]:
    """Name the card, which has the name of its UPS."""
    yield name


def addresses(config: UpsConfig) -> Iterable[str]:
    """Name the address of the card."""
    yield config.address


def interfaces(name: str, config: UpsConfig, ports: Ports) -> Iterable[Interface]:
    """Describe the card."""
    address = config.address
    services = [ServiceAddress("snmp", address, ports.snmp)]
    if ports.http is not None:
        services.append(ServiceAddress("http", address, ports.http, stream=True))
    if ports.console is not None:
        services.append(ServiceAddress("telnet", address, ports.console, stream=True))
    yield Interface(name, EmulatedUps.kind, "UPS card", tuple(services))


def outlet_groups(config: UpsConfig) -> Collection[int]:
    """Return those that the profile has."""
    return load_profile(config.profile).outlet_groups


DEVICE_TYPE = DeviceType(
    "ups",
    2,
    Stage.FEED,
    UpsConfig,
    build,
    is_feed=True,
    references=references,
    reachable=reachable,
    addresses=addresses,
    interfaces=interfaces,
    profile=ProfileKey(("profile",), lambda profile: Settings(load_profile(profile))),
    outlet_groups=outlet_groups,
)
