"""From a site file to what the stages are made of."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

from ridethrough.gateway.api import Holder, Role
from ridethrough.gateway.config.sinks import (
    ExecSink,
    FileSink,
    NatsLogin,
    NatsSink,
    SseSink,
    SyslogSink,
    Tls,
    WebhookSink,
)
from ridethrough.gateway.config.site import (
    Api,
    BmcDevice,
    Device,
    ServerDevice,
    Site,
    UpsDevice,
    WakeOnLan,
    keyword_address,
)
from ridethrough.gateway.config.traps import Forward, split_destination
from ridethrough.gateway.correlate import BmcPolicy, FlapPolicy, SitePolicy, StormPolicy, UpsPolicy
from ridethrough.gateway.decode import TrapUser
from ridethrough.gateway.deliver.convert import Form, Plan
from ridethrough.gateway.deliver.destination import Destination
from ridethrough.gateway.deliver.dispatcher import Wanted
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.forward import CURSOR
from ridethrough.gateway.deliver.sinks import Sink
from ridethrough.gateway.deliver.sinks.exec import ExecSink as Exec
from ridethrough.gateway.deliver.sinks.file import FileSink as File
from ridethrough.gateway.deliver.sinks.nats import NatsSink as Nats
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink as Syslog
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink as Webhook
from ridethrough.gateway.deliver.sinks.webhook import read_secret
from ridethrough.gateway.deliver.spoof import Spoofer
from ridethrough.gateway.deliver.v3_sender import Sealer, SealUser
from ridethrough.gateway.devices.bmc_commands import BmcCommander, new_pool
from ridethrough.gateway.devices.commands import Commander
from ridethrough.gateway.devices.probes import Echo, Login, PresencePing, Probe
from ridethrough.gateway.devices.ups_commands import SharedEngine, UpsCommander
from ridethrough.gateway.devices.wake import WakeCommander
from ridethrough.gateway.storage.jetstream.client import Bus, Layout
from ridethrough.gateway.storage.sqlite.database import Store
from ridethrough.gateway.storage.sqlite.retention import Limits, Retention
from ridethrough.gateway.translate import Known, Match, UserRule
from ridethrough.mibs import MibTree
from ridethrough.wire.wol import mac_address

SinkWithCursor = WebhookSink | FileSink | ExecSink | SyslogSink | NatsSink

SHORTEST_PASSPHRASE = 8  # RFC 3414 section 11.2
SHORTEST_TOKEN = 16


class SecretError(ValueError):
    """A secret, certificate or library that cannot be used. One line; never the secret."""


def _secret(sink: str, config: WebhookSink) -> bytes | None:
    if config.secret_file is None:
        return None
    try:
        return read_secret(config.secret_file.read_text())
    except OSError as error:
        raise SecretError(f"sinks.{sink}.secret_file {config.secret_file}: {error.strerror}") from error
    except ValueError:
        raise SecretError(f"sinks.{sink}.secret_file {config.secret_file}: expected base64, as whsec_...") from None


def _passphrase(where: str, name: str, text: str | None, path: Path | None) -> bytes:
    if path is None:
        return (text or "").encode()
    try:
        read = path.read_text().rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"{where}.{name}_key_file {path}: {error.strerror}") from error
    if len(read) < SHORTEST_PASSPHRASE:
        raise SecretError(f"{where}.{name}_key_file {path}: a passphrase has at least 8 characters")
    return read.encode()


def holders_of(api: Api) -> dict[str, Holder]:
    """Who may ask over HTTP, tokens read from their files. Raises SecretError."""
    return {
        name: Holder(Role[token.role.upper()], token.sha256 or _digest(f"api.tokens.{name}.file", token.file))
        for name, token in api.tokens.items()
    }


def _digest(where: str, path: Path | None) -> str:
    try:
        text = "" if path is None else path.read_text().strip()
    except OSError as error:
        raise SecretError(f"{where} {path}: {error.strerror}") from error
    if len(text) < SHORTEST_TOKEN:
        raise SecretError(f"{where} {path}: a token has at least {SHORTEST_TOKEN} characters")
    return hashlib.sha256(text.encode()).hexdigest()


def bus_of(site: Site) -> Bus | None:
    """The JetStream that the site's gateways share; None when this one is alone. Raises SecretError."""
    config = site.journal.jetstream
    if config is None:
        return None
    where = "journal.jetstream"
    if find_spec("nats") is None:
        raise SecretError(f"{where}: NATS needs the package nats-py; install ridethrough[nats]")
    chosen = "prefix" in config.model_fields_set
    days, mib = site.journal.keep_days, site.journal.keep_mib
    layout = Layout(config.prefix, config.partitions, config.replicas, config.duplicate_s, days, mib, chosen)
    return Bus(_login(where, config.login), _tls(f"{where}.login", config.login.tls), layout)


def users_of(site: Site) -> list[TrapUser]:
    """Who may send by version 3. Raises SecretError."""
    return [
        TrapUser(
            (user.name or row).encode(),
            user.auth,
            _passphrase(f"access.users.{row}", "auth", user.auth_key, user.auth_key_file),
            user.priv,
            _passphrase(f"access.users.{row}", "priv", user.priv_key, user.priv_key_file),
            user.sources,
        )
        for row, user in site.access.users.items()
    ]


def _tls(where: str, config: Tls | None) -> Callable[[], ssl.SSLContext | None]:
    """A context made when it is needed, from files that exist now. Raises SecretError."""
    if config is None:
        return lambda: None

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=config.ca_file)
        if config.cert_file is not None:
            made.load_cert_chain(config.cert_file, config.key_file)
        return made

    try:
        context()
    except OSError as error:
        raise SecretError(f"{where}.tls: {error.strerror or error}") from error
    return context


def server_tls(api: Api) -> ssl.SSLContext | None:
    """How the HTTP interface is sealed; None when it is not. Raises SecretError."""
    config = api.tls
    if config is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.client_ca_file)
        if config.client_ca_file is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(config.cert_file, config.key_file)
    except OSError as error:
        raise SecretError(f"api.tls: {error.strerror or error}") from error
    return context


def _login(where: str, config: NatsLogin) -> Callable[[], dict[str, Any]]:
    """How to connect, with the password read each time. Raises SecretError."""

    def words() -> dict[str, Any]:
        known: dict[str, Any] = {"servers": list(config.servers)}
        if config.user is not None and config.password_file is not None:
            known |= {"user": config.user, "password": config.password_file.read_text().rstrip("\r\n")}
        if config.credentials_file is not None:
            known["user_credentials"] = str(config.credentials_file)
        return known

    try:
        words()
    except OSError as error:
        raise SecretError(f"{where}.login.password_file {config.password_file}: {error.strerror}") from error
    return words


def sinks_of(site: Site, now_s: Callable[[], int]) -> dict[str, Wanted]:
    """The sinks with a cursor, by name, and what they get. Raises SecretError."""
    sinks: dict[str, Wanted] = {}
    for name, config in site.sinks.items():
        if not isinstance(config, SseSink):
            wanted = Filter(config.types, config.devices, config.severity)
            sinks[name] = Wanted(_sink(name, config, now_s), config.type, wanted)
    return sinks


def _sink(name: str, config: SinkWithCursor, now_s: Callable[[], int]) -> Sink:
    where = f"sinks.{name}"
    if isinstance(config, WebhookSink):
        secret, tls = _secret(name, config), _tls(where, config.tls)
        return Webhook(config.url, secret, config.timeout_s, now_s, config.body, tls, config.batch)
    if isinstance(config, FileSink):
        return File(config.path, config.line)
    if isinstance(config, ExecSink):
        return Exec(config.argv, config.timeout_s)
    if isinstance(config, SyslogSink):
        place = split_destination(config.to)
        return Syslog(place, config.transport, config.facility, config.text, _tls(where, config.tls))
    if find_spec("nats") is None:
        raise SecretError(f"{where}: NATS needs the package nats-py; install ridethrough[nats]")
    login, tls = _login(where, config.login), _tls(f"{where}.login", config.login.tls)
    return Nats(login, tls, config.subject, config.body, config.timeout_s)


def forwards_of(site: Site, now_s: Callable[[], float]) -> dict[str, Destination]:
    """The forwards, by name; nothing is open yet. Raises SecretError."""
    destinations = {}
    for name, config in site.forwards.items():
        community = None if config.community is None else config.community.encode()
        identity = config.source.packed if isinstance(config.source, IPv4Address) else None
        keep = config.source == "varbind" or identity is not None
        plan = Plan(Form(config.version), config.inform, community, keep, identity)
        spoofer = Spoofer() if config.source == "spoof" else None
        if spoofer is not None and not Spoofer.allowed():
            raise SecretError(f"forwards.{name}.source: spoof needs the capability CAP_NET_RAW")
        place = split_destination(config.to)
        sealer = _sealer(f"forwards.{name}", config)
        destinations[name] = Destination(*place, plan, config.send_from or "", sealer, spoofer, now_s)
    return destinations


def _sealer(where: str, config: Forward) -> Sealer | None:
    if config.user is None:
        return None
    auth = _passphrase(where, "auth", config.auth_key, config.auth_key_file)
    priv = _passphrase(where, "priv", config.priv_key, config.priv_key_file)
    return Sealer(SealUser(config.user.encode(), config.auth, auth, config.priv, priv), os.urandom)


def retention_of(site: Site, store: Store) -> Retention:
    """How long what is heard is kept, and for whom."""
    readers = [CURSOR + name for name in site.forwards]
    takers = [name for name, sink in site.sinks.items() if not isinstance(sink, SseSink)]
    return Retention(store, Limits(site.journal.keep_days, site.journal.keep_mib), readers, takers)


def rules_of(site: Site) -> list[UserRule]:
    """The site's own rules, in their order."""
    rules = []
    for rule in site.rules:
        wanted = tuple((name, str(value)) for name, value in rule.match.variables.items())
        match = Match(rule.match.trap or "", rule.match.sources, rule.match.device or "", wanted)
        condition = rule.opens or rule.clears or ""
        rules.append(
            UserRule.telling(match, rule.event, rule.severity, rule.text, condition, opens=rule.opens is not None)
            if rule.event
            else UserRule(match)
        )
    return rules


def described(name: str, config: Device) -> dict[str, Any]:
    """What a site file says of a device, for people."""
    return {
        "id": name,
        "kind": config.kind,
        "address": config.address,
        "groups": list(config.groups) if isinstance(config, UpsDevice) else [],
        "server": config.server if isinstance(config, BmcDevice) else None,
    }


def devices_of(site: Site) -> list[Known]:
    """The devices as the translation needs them."""
    result = []
    for name, device in site.devices.items():
        server = device.server or "" if isinstance(device, BmcDevice) else ""
        keywords: dict[str, tuple[str, ...]] = {}
        for monitor in site.monitors if server else ():
            text = monitor.keyword.get(server)
            if text is not None:
                place = keyword_address(text)
                keywords[place] = (*keywords.get(place, ()), monitor.name)
        engine = "" if isinstance(device, ServerDevice) else device.engine_id or ""
        result.append(Known(name, device.kind, device.address, server, keywords, engine.lower()))
    return result


def ups_policies_of(site: Site) -> dict[str, UpsPolicy]:
    """How long an outage of each UPS must last, and whom it concerns."""
    return {
        name: UpsPolicy(
            round(device.confirm_s * 1000),
            device.groups,
            round(device.silence_s * 1000),
            device.on_silence == "shutdown",
        )
        for name, device in site.devices.items()
        if isinstance(device, UpsDevice)
    }


def site_policy_of(site: Site) -> SitePolicy:
    """What holds for all devices."""
    storms, flaps = site.correlate.storms, site.correlate.flaps
    return SitePolicy(
        storm=None if storms is None else StormPolicy(storms.per_s, storms.burst),
        flap=None if flaps is None else FlapPolicy(flaps.opens, *_ms(flaps.window_s, flaps.settle_s)),
        behind={name: device.behind for name, device in site.devices.items() if device.behind},
        segment_wait_ms=round(site.correlate.segment_wait_s * 1000),
    )


def _ms(*seconds: float) -> tuple[int, ...]:
    return tuple(round(item * 1000) for item in seconds)


def bmc_policies_of(site: Site) -> dict[str, BmcPolicy]:
    """How long each BMC waits for a recovery."""
    return {
        name: BmcPolicy(round(device.recovery.start_s * 1000), round(device.recovery.end_s * 1000))
        for name, device in site.devices.items()
        if isinstance(device, BmcDevice)
    }


def password_of(device: BmcDevice) -> Callable[[], str]:
    """Read at each login, so that a rotated file takes effect."""
    path = device.password_file
    if path is not None:
        return lambda: path.read_text().rstrip("\r\n")
    return lambda: device.password or ""


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


def commanders_of(
    site: Site, tree: MibTree, heard: Callable[[str, float], bool]
) -> tuple[dict[str, Commander], Callable[[], None]]:
    """Who carries out the commands of each device, and what ends them all. Raises SecretError."""
    pool, engine = new_pool(), SharedEngine()
    commanders: dict[str, Commander] = {}
    for name, device in site.devices.items():
        if isinstance(device, BmcDevice):
            commanders[name] = BmcCommander(device.address, device.port, device.user, password_of(device), pool)
        elif isinstance(device, UpsDevice):
            snmp = device.snmp
            commanders[name] = UpsCommander(tree, device.address, snmp.port, snmp.version, snmp.community, engine)
        elif device.wake is not None:
            wake = device.wake
            up = partial(heard, name)
            commanders[name] = WakeCommander(mac_address(wake.mac), wake.to, wake.port, _secureon(wake), up)

    def close() -> None:
        engine.close()
        pool.shutdown(wait=False, cancel_futures=True)

    return commanders, close


def probe_of(device: BmcDevice | ServerDevice, random_bytes: Callable[[int], bytes]) -> Probe:
    """How a device is asked whether it is there."""
    if isinstance(device, ServerDevice):
        return Echo()
    if device.heartbeat.probe == "presence":
        return PresencePing()
    password = password_of(device)
    return Login(device.user.encode(), lambda: password().encode(), device.heartbeat.suite, random_bytes)
