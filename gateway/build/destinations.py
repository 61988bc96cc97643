"""Sinks and forwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import IPv4Address

from ridethrough.gateway.build.secrets import (
    SecretError,
    client_tls,
    nats_login,
    read_passphrase,
)
from ridethrough.gateway.config.sinks import ExecSink, FileSink, NatsSink, SseSink, SyslogSink, WebhookSink
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.config.traps import Forward, split_destination
from ridethrough.gateway.deliver.convert import Form, Plan
from ridethrough.gateway.deliver.destination import Destination
from ridethrough.gateway.deliver.dispatcher import SinkSpec
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.sinks import Sink
from ridethrough.gateway.deliver.sinks.exec import ExecSink as Exec
from ridethrough.gateway.deliver.sinks.file import FileSink as File
from ridethrough.gateway.deliver.sinks.nats import NatsSink as Nats
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink as Syslog
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink as Webhook
from ridethrough.gateway.deliver.sinks.webhook import read_secret
from ridethrough.gateway.deliver.spoof import Spoofer
from ridethrough.gateway.deliver.v3_sender import SealUser, V3Sender

SinkWithCursor = WebhookSink | FileSink | ExecSink | SyslogSink | NatsSink


def sinks_of(site: Site, now_s: Callable[[], int]) -> dict[str, SinkSpec]:
    """The sinks with a cursor, by name, and what they get. Raises SecretError."""
    sinks: dict[str, SinkSpec] = {}
    for name, config in site.sinks.items():
        if not isinstance(config, SseSink):
            wanted = Filter(config.types, config.devices, config.severity)
            sinks[name] = SinkSpec(_sink(name, config, now_s), config.type, wanted)
    return sinks


def _sink(name: str, config: SinkWithCursor, now_s: Callable[[], int]) -> Sink:
    where = f"sinks.{name}"
    if isinstance(config, WebhookSink):
        secret, tls = _webhook_secret(name, config), client_tls(where, config.tls)
        return Webhook(config.url, secret, config.timeout_s, now_s, config.body, tls, config.batch)
    if isinstance(config, FileSink):
        return File(config.path, config.line)
    if isinstance(config, ExecSink):
        return Exec(config.argv, config.timeout_s)
    if isinstance(config, SyslogSink):
        place = split_destination(config.to)
        return Syslog(place, config.transport, config.facility, config.text, client_tls(where, config.tls))
    if find_spec("nats") is None:
        raise SecretError(f"{where}: NATS needs the package nats-py; install ridethrough[nats]")
    login, tls = nats_login(where, config.login), client_tls(f"{where}.login", config.login.tls)
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


def _sealer(where: str, config: Forward) -> V3Sender | None:
    if config.user is None:
        return None
    auth = read_passphrase(where, "auth", config.auth_key, config.auth_key_file)
    priv = read_passphrase(where, "priv", config.priv_key, config.priv_key_file)
    return V3Sender(SealUser(config.user.encode(), config.auth, auth, config.priv, priv), os.urandom)


def _webhook_secret(sink: str, config: WebhookSink) -> bytes | None:
    if config.secret_file is None:
        return None
    try:
        return read_secret(config.secret_file.read_text())
    except OSError as error:
        raise SecretError(f"sinks.{sink}.secret_file {config.secret_file}: {error.strerror}") from error
    except ValueError:
        raise SecretError(f"sinks.{sink}.secret_file {config.secret_file}: expected base64, as whsec_...") from None
