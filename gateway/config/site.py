"""The site file: a gateway alone, against real or emulated devices."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ridethrough.gateway.config.base import Address, DeviceId, Port, Seconds, Strict, split_host_port
from ridethrough.gateway.config.clients import NatsLogin
from ridethrough.gateway.config.http import Api
from ridethrough.gateway.config.traps import AccessConfig, Forward, RuleConfig
from ridethrough.gateway.deliver.sinks import AnySink
from ridethrough.wire.wol import mac_address

TRAP_PORT = 162


class Listen(Strict):
    """A socket that takes traps and informs."""

    address: Address = "127.0.0.1"
    port: Port = TRAP_PORT


class SnmpConfig(Strict):
    """Access to a card by SNMP, for polls and commands."""

    version: Literal[1, "2c"] = 1
    community: str = "public"
    port: Port = 161
    source: Address | None = None
    """Address of this machine that polls and commands come from, as the card's access rows name it; the system's choice
    when left out."""
    command_sources: tuple[Address, ...] = ()
    """Further addresses of this machine; a command comes from one of them when its parameter `source` says so."""

    @model_validator(mode="after")
    def _one_family(self) -> Self:
        given = [text for text in (self.source, *self.command_sources) if text is not None]
        if len({ip_address(text).version for text in given}) > 1:
            raise ValueError(f"source and command_sources are of IPv4 and IPv6: {', '.join(given)}")
        return self


class UpsDeviceConfig(Strict):
    """A UPS with a network card."""

    kind: Literal["ups"]
    address: Address
    snmp: SnmpConfig = SnmpConfig()
    poll_s: Annotated[float, Field(gt=0, le=8)] = 8
    """Interval of the polls; the documents allow 8 s at most."""
    confirm_s: Annotated[float, Field(ge=0)] = 60
    """Time an outage must last before it is confirmed."""
    silence_s: Seconds = 50
    """Time without an answer after which the card counts as lost."""
    groups: tuple[str, ...] = ()
    """Power-control groups this UPS belongs to."""
    on_silence: Literal["continue", "shutdown"] = "continue"
    """Reaction of its servers when it is silent for `silence_s` during an outage."""
    behind: DeviceId | None = None
    """Network segment of the device, such as a hub: devices of one that fall silent together are one event."""
    engine_id: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){5,32}$")] | None = None
    """Its SNMP engine, by which traps of version 3 are known wherever they come from."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for source in (self.snmp.source, *self.snmp.command_sources):
            if source is not None and ip_address(source).version != ip_address(self.address).version:
                raise ValueError(f"snmp: nothing is sent from {source} to {self.address}")
        return self


class HeartbeatConfig(Strict):
    """Liveness probes of a device."""

    interval_s: Seconds = 3
    timeout_s: Seconds = 90


class BmcHeartbeatConfig(HeartbeatConfig):
    """Liveness probes of a BMC."""

    probe: Literal["presence", "login"] = "presence"
    """A presence ping without a session, or Get Chassis Status in one, which shows the server's power, too."""
    suite: Literal[3, 8, 12, 17] = 17
    """Cipher suite of the login."""


class RecoveryWait(Strict):
    """Times for which a BMC holds its action: until the start of a recovery, and until its end."""

    start_s: Seconds = 10
    end_s: Seconds = 120


class BmcDeviceConfig(Strict):
    """A BMC on a server's board."""

    kind: Literal["bmc"]
    address: Address
    port: Port = 623
    user: str = "admin"
    password: str | None = Field(default=None, repr=False)
    """Only for rigs; a site keeps passwords in files."""
    password_file: Path | None = None
    server: str | None = None
    heartbeat: BmcHeartbeatConfig = BmcHeartbeatConfig()
    recovery: RecoveryWait = RecoveryWait()
    behind: DeviceId | None = None
    engine_id: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){5,32}$")] | None = None
    """Its SNMP engine, by which traps of version 3 are known wherever they come from."""

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give exactly one of password and password_file")
        return self


class WakeOnLan(Strict):
    """Wake-on-LAN of a server."""

    mac: Annotated[str, AfterValidator(lambda text: (mac_address(text), text)[1])]
    to: Address = "255.255.255.255"
    """A broadcast address of the server's network, or the server's own."""
    port: Port = 9
    secureon_file: Path | None = None
    """The password of SecureOn, as a MAC address or four numbers with points."""


class ServerDeviceConfig(Strict):
    """A server whose operating system is probed over the LAN, by an echo service (RFC 862)."""

    kind: Literal["server"]
    address: Address
    port: Port = 7
    heartbeat: HeartbeatConfig = HeartbeatConfig(timeout_s=30)
    wake: WakeOnLan | None = None
    behind: DeviceId | None = None


Device = Annotated[UpsDeviceConfig | BmcDeviceConfig | ServerDeviceConfig, Field(discriminator="kind")]


def keyword_address(text: str) -> str:
    """`<IP>[:<port>]` as `IP:port`; the port of traps when none is given. Raises ValueError."""
    if len(text.encode()) > 1023:
        raise ValueError("a keyword has at most 1023 bytes")
    host, _, port = text.partition(":")
    if not port:
        port = str(TRAP_PORT)
    if not port.isdigit() or not 0 < int(port) <= 65535:
        raise ValueError(f"keyword {text!r}: expected <IP>[:<port>]")
    return f"{ip_address(host)}:{port}"


Keyword = Annotated[str, AfterValidator(lambda text: (keyword_address(text), text)[1])]


class Monitor(Strict):
    """An external-linkage monitor: which receive address means which server."""

    name: str
    category: Literal["BMCNOTICE"] = "BMCNOTICE"
    keyword: dict[str, Keyword]
    """`common` and one entry for each server."""


class StormsConfig(Strict):
    """The rate of one source above which its datagrams are only kept in the journal; see `trap.storm`."""

    per_s: Annotated[float, Field(gt=0)] = 100
    burst: int = Field(default=500, ge=1)


class FlapsConfig(Strict):
    """Limits at which a condition that opens and clears again and again counts as flapping, and as settled."""

    opens: int = Field(default=4, ge=2)
    window_s: Seconds = 300
    settle_s: Seconds = 60


class Correlate(Strict):
    """Rules by which notifications and observations become events."""

    storms: StormsConfig | None = StormsConfig()
    flaps: FlapsConfig | None = FlapsConfig()
    segment_wait_s: Seconds = 10
    """Delay of a device's silence, in which that of the others in its segment may follow."""


class JetStream(Strict):
    """A journal that several gateways share. Needs the extra `ridethrough[nats]`."""

    login: NatsLogin = NatsLogin()
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")] = "ridethrough"
    """Of streams, buckets and subjects."""
    partitions: int = Field(default=8, ge=1, le=256)
    """Parts that gateways share out among themselves; the same at all of them, and never changed."""
    replicas: int = Field(default=1, ge=1, le=5)
    """Servers that keep each message."""
    duplicate_s: Seconds = 5
    """Time within which two gateways may receive the same datagram."""


class JournalConfig(Strict):
    """Place and size of the journal. Without a path it is in memory and ends with the process."""

    path: Path | None = None
    keep_days: Annotated[float, Field(gt=0)] | None = 30
    """Age at which records and their events go, once every destination has taken them; null keeps them for ever."""
    keep_mib: Annotated[float, Field(ge=1)] | None = None
    """Size above which the oldest go, likewise; without limit when left out."""
    jetstream: JetStream | None = None
    """Instead of the path; commands and the audit stay there."""


def _reached(address: str) -> set[str]:
    """Names and addresses by which a listener is surely reached."""
    own = ip_address(address)
    loopback = "127.0.0.1" if own.version == 4 else "::1"
    return {address, loopback, "localhost"} if own.is_unspecified or address == loopback else {address}


class Site(Strict):
    """A site file, and the `gateway` part of a rig file."""

    _complete: ClassVar[bool] = True  # whether all devices are named here

    name: str = "ridethrough"
    listen: tuple[Listen, ...] = (Listen(),)
    access: AccessConfig = AccessConfig()
    devices: dict[DeviceId, Device] = Field(default_factory=dict)
    monitors: tuple[Monitor, ...] = ()
    sinks: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], AnySink] = Field(default_factory=dict)
    forwards: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], Forward] = Field(default_factory=dict)
    rules: tuple[RuleConfig, ...] = ()
    """Before the gateway's own, in this order; the first that matches is taken."""
    correlate: Correlate = Correlate()
    journal: JournalConfig = JournalConfig()
    api: Api = Api()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        places = [(listen.address, listen.port) for listen in self.listen]
        if len(set(places)) != len(places):
            raise ValueError("listen: the same address and port twice")
        owners: dict[str, str] = {}
        for name, device in self.devices.items():
            if device.address in owners:
                raise ValueError(
                    f"devices.{name}.address: {device.address} already belongs to {owners[device.address]}"
                )
            owners[device.address] = name
        self._check_monitors()
        for index, rule in enumerate(self.rules):
            known = ", ".join(self.devices) or "none"
            # The devices of a rig are added to those of its gateway part later.
            if rule.match.device and self._complete and rule.match.device not in self.devices:
                raise ValueError(f"rules.{index}.match.device: there is no {rule.match.device!r}; accepted: {known}")
        for name, forward in self.forwards.items():
            host, port = split_host_port(forward.to)
            for address, own in places:
                if own == port and host in _reached(address):
                    raise ValueError(f"forwards.{name}.to: {forward.to} is this gateway's own listener")
            if name in self.sinks:
                raise ValueError(f"forwards.{name}: a sink has that name already")
        return self

    def _check_monitors(self) -> None:
        """Every server has a value of its own in every monitor, with the same port in all (requirements 3.3)."""
        servers = [
            device.server for device in self.devices.values() if isinstance(device, BmcDeviceConfig) and device.server
        ]
        for server in servers:
            ports: dict[str, str] = {}
            for monitor in self.monitors:
                text = monitor.keyword.get(server)
                if text is None:
                    raise ValueError(
                        f"monitors: {monitor.name} has no keyword for {server}; every server needs a value of its own"
                    )
                ports.setdefault(keyword_address(text).rpartition(":")[2], monitor.name)
            if len(ports) > 1:
                shown = ", ".join(f"{port} in {name}" for port, name in ports.items())
                raise ValueError(f"monitors: {server} has different ports ({shown}); it must be the same in all")
