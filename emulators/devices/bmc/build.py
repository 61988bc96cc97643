"""From the configuration of a BMC to the device. It comes with its server, whose folder runs the wires to it."""

from __future__ import annotations

from uuid import NAMESPACE_DNS, uuid5

from ridethrough.emulators.bindings.chassis import AcLink
from ridethrough.emulators.bindings.device_types import Construction, Interface, ProfileKey, ServiceAddress
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.devices.bmc.config import BmcConfig
from ridethrough.emulators.devices.bmc.device import KIND, EmulatedBmc
from ridethrough.emulators.devices.bmc.lan import AlertDestination
from ridethrough.emulators.devices.bmc.model import Bmc, BmcOptions, InitialUser
from ridethrough.emulators.devices.bmc.profile import load_profile
from ridethrough.emulators.devices.bmc.recovery_hold import HoldSettings
from ridethrough.wire.ipmi.message import Privilege

LOOPBACK = "127.0.0.1"
BMC_PROFILE = ProfileKey(("bmc", "profile"), load_profile)
"""Below a server."""


def build_bmc(
    construction: Construction,
    server: str,
    config: BmcConfig,
    *,
    supplies: int,
    ac_link: AcLink,
    watchdog_s: float,
) -> EmulatedBmc:
    """Return the BMC of a server, which is no part of the world yet. Raises ProfileError.

    `watchdog_s` is the time after which its watchdog finds the operating system hung; 0 without one.
    """
    name = f"{server}.bmc"
    users = [InitialUser(name, user.password, Privilege[user.privilege.upper()]) for name, user in config.users.items()]
    destinations = [
        AlertDestination(row.receiver, row.port, row.acknowledge, row.timeout_s, row.retries)
        for row in config.alerts or ()
    ]
    if config.alerts is None:
        destinations = [AlertDestination(LOOPBACK)]
    link = config.link
    options = BmcOptions(
        suites=config.suites or (),
        inject=config.inject,
        port=construction.ports.ipmi,
        os_watchdog_s=watchdog_s,
        hold=HoldSettings(bool(link.on), link.start_s, link.end_s, link.ceiling_s),
    )
    model = Bmc(
        name,
        config.address,
        supplies,
        users,
        destinations,
        profile=load_profile(config.profile),
        # The product's first name: managers know a BMC by its GUID, which stays what it was.
        guid=uuid5(NAMESPACE_DNS, f"{server}.{construction.rig}.standin.invalid"),
        epoch_s=construction.epoch_s,
        ac_link=ac_link,
        options=options,
    )
    construction.trap_sources[config.address] = name
    return EmulatedBmc(model)


def bmc_interface(server: str, config: BmcConfig, ports: Ports) -> Interface:
    """Return the LAN channel of the BMC of a server."""
    return Interface(f"{server}.bmc", KIND, "BMC", (ServiceAddress("ipmi", config.address, ports.ipmi),))
