"""From the configuration of a server to the devices that it is made of."""

from __future__ import annotations

from collections.abc import Iterable

from ridethrough.emulators.bindings.device_types import (
    Among,
    Construction,
    DeviceType,
    Interface,
    NodePorts,
    Reference,
    Stage,
)
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.devices.bmc.build import BMC_PROFILE, bmc_interface, build_bmc
from ridethrough.emulators.devices.psu.model import Psu
from ridethrough.emulators.devices.server.config import GuestConfig, ServerConfig
from ridethrough.emulators.devices.server.guests import Guest
from ridethrough.emulators.devices.server.model import Server
from ridethrough.wire.wol import mac_address


def build(construction: Construction, name: str, config: ServerConfig) -> None:
    """Add a server with its power supplies and its BMC, and the wires between them. Raises ProfileError."""
    world = construction.world
    supplies = [Psu(f"{name}.psu{index}") for index in range(1, len(config.power) + 1)]
    server = Server(
        name,
        len(supplies),
        address=config.address,
        other_addresses=config.other_addresses,
        ac_link=config.ac_link,
        boot_s=config.boot_s,
        shutdown_s=config.shutdown_s,
        load_w=config.load_w,
        order_s=config.order_s,
        guests=tuple(_guest(guest, item) for guest, item in config.guests.items()),
        guests_start=config.guests_start == "host",
        mac=mac_address(config.wake.mac) if config.wake is not None and config.wake.supported else b"",
        wake_port_open=config.wake is not None,
    )
    for psu, feed in zip(supplies, config.power, strict=True):
        world.add(psu)
        construction.plug(feed, psu.name, psu.inlet)
    world.add(server)
    for psu, dc, share in zip(supplies, server.dc, server.share_w, strict=True):
        world.connect(psu.dc, dc)
        world.connect(share, psu.share_w)
    construction.nodes[name] = NodePorts(server.host, server.agent)
    if config.bmc is not None:
        bmc = build_bmc(
            construction,
            name,
            config.bmc,
            supplies=len(supplies),
            ac_link=config.ac_link,
            watchdog_s=config.watchdog_s,
        )
        world.add(bmc)
        for psu, standby in zip(supplies, bmc.chassis.standby, strict=True):
            world.connect(psu.dc, standby)
        world.connect(server.host, bmc.chassis.host)
        world.connect(bmc.chassis.order, server.order)
        world.connect(bmc.chassis.policy, server.policy)


def _guest(name: str, config: GuestConfig) -> Guest:
    orderly = config.stop_action == "shutdown" and config.integration_services
    return Guest(name, config.boot_s, config.shutdown_s, config.rank, config.start_action == "start", orderly)


def references(config: ServerConfig) -> Iterable[Reference]:
    """Name the feeds."""
    yield from (Reference("power", feed, Among.FEEDS, feeds=True) for feed in config.power)


def reachable(name: str, config: ServerConfig) -> Iterable[str]:
    """Name the server and its BMC."""
    yield name
    if config.bmc is not None:
        yield f"{name}.bmc"


def addresses(config: ServerConfig) -> Iterable[str]:
    """Name the addresses of the operating system and that of the BMC."""
    yield config.address
    yield from config.other_addresses
    if config.bmc is not None:
        yield config.bmc.address


def interfaces(name: str, config: ServerConfig, ports: Ports) -> Iterable[Interface]:
    """Describe the BMC."""
    if config.bmc is not None:
        yield bmc_interface(name, config.bmc, ports)


DEVICE_TYPE = DeviceType(
    "servers",
    3,
    Stage.CONSUMER,
    ServerConfig,
    build,
    references=references,
    reachable=reachable,
    addresses=addresses,
    interfaces=interfaces,
    profile=BMC_PROFILE,
    agents=frozenset({Server.kind}),
)
