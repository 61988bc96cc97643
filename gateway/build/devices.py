"""Commanders and probes of devices, from a site file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address

from ridethrough.gateway.config.secrets import SecretError
from ridethrough.gateway.config.site import (
    BmcDeviceConfig,
    Device,
    ServerDeviceConfig,
    Site,
    UpsDeviceConfig,
    WakeOnLan,
)
from ridethrough.gateway.devices.bmc_commands import BmcCommander, new_pool
from ridethrough.gateway.devices.commands import Commander
from ridethrough.gateway.devices.probes import EchoProbe, LivenessProbe, LoginProbe, PresencePing
from ridethrough.gateway.devices.ups_commands import UpsCommander
from ridethrough.gateway.devices.ups_snmp import CardClient, SharedEngine
from ridethrough.gateway.devices.wake import WakeCommander
from ridethrough.gateway.status import DeviceStatus
from ridethrough.mibs import MibTree
from ridethrough.wire.wol import mac_address


def status_of(name: str, config: Device) -> DeviceStatus:
    """The part of a device's status that the site file gives."""
    return DeviceStatus(
        id=name,
        kind=config.kind,
        address=config.address,
        groups=list(config.groups) if isinstance(config, UpsDeviceConfig) else [],
        server=config.server if isinstance(config, BmcDeviceConfig) else None,
    )


def _secureon(config: WakeOnLan) -> Callable[[], bytes]:
    """The password, read at each packet. Raises SecretError, OSError and ValueError later."""
    path = config.secureon_file
    if path is None:
        return lambda: b""

    def read() -> bytes:
        text = path.read_text().strip()
        return ip_address(text).packed if text.count(".") == 3 else mac_address(text)

    try:
        read()
    except OSError as error:
        raise SecretError(f"wake.secureon_file {path}: {error.strerror}") from error
    except ValueError:
        raise SecretError(f"wake.secureon_file {path}: expected 00:11:22:aa:bb:cc or 1.2.3.4") from None
    return read


def _password_of(device: BmcDeviceConfig) -> Callable[[], str]:
    """Read at each login, so that a rotated file takes effect."""
    path = device.password_file
    if path is not None:
        return lambda: path.read_text().rstrip("\r\n")
    return lambda: device.password or ""


def commanders_of(
    site: Site, tree: MibTree, has_answered: Callable[[str, float], bool]
) -> tuple[dict[str, Commander], Callable[[], None]]:
    """The commander of each device that takes commands, and a function that closes all. Raises SecretError."""
    pool, engine = new_pool(), SharedEngine()
    commanders: dict[str, Commander] = {}
    for name, device in site.devices.items():
        if isinstance(device, BmcDeviceConfig):
            commanders[name] = BmcCommander(device.address, device.port, device.user, _password_of(device), pool)
        elif isinstance(device, UpsDeviceConfig):
            snmp = device.snmp
            card = CardClient(tree, device.address, snmp.port, snmp.version, snmp.community, engine, snmp.source)
            commanders[name] = UpsCommander(card, snmp.command_sources)
        elif device.wake is not None:
            wake = device.wake
            up = partial(has_answered, name)
            commanders[name] = WakeCommander(mac_address(wake.mac), wake.to, wake.port, _secureon(wake), up)

    def close() -> None:
        engine.close()
        pool.shutdown(wait=False, cancel_futures=True)

    return commanders, close


def probe_of(device: BmcDeviceConfig | ServerDeviceConfig, random_bytes: Callable[[int], bytes]) -> LivenessProbe:
    """The probe of a device's heartbeat."""
    if isinstance(device, ServerDeviceConfig):
        return EchoProbe()
    if device.heartbeat.probe == "presence":
        return PresencePing()
    password = _password_of(device)
    return LoginProbe(device.user.encode(), lambda: password().encode(), device.heartbeat.suite, random_bytes)
