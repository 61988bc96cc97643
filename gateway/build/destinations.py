"""Sinks and forwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import IPv4Address

from ridethrough.gateway.config.base import split_host_port
from ridethrough.gateway.config.secrets import SecretError, read_passphrase
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.config.traps import Forward
from ridethrough.gateway.deliver.convert import ForwardFormat, SnmpForm
from ridethrough.gateway.deliver.dispatcher import SinkSpec
from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.forward_target import ForwardTarget
from ridethrough.gateway.deliver.sinks import SinkConfig
from ridethrough.gateway.deliver.sinks.base import SinkContext
from ridethrough.gateway.deliver.spoof import Spoofer
from ridethrough.gateway.deliver.v3_sender import ForwardUser, V3Sender


def sinks_of(site: Site, now_s: Callable[[], int]) -> dict[str, SinkSpec]:
    """The sinks with a cursor, by name, and what they get. `now_s` is Unix time. Raises SecretError."""
    return {
        name: SinkSpec(
            config.build(SinkContext(f"sinks.{name}", now_s)),
            config.type,
            Filter(config.types, config.devices, config.severity),
        )
        for name, config in site.sinks.items()
        if isinstance(config, SinkConfig)
    }


def forwards_of(site: Site, now_ms: Callable[[], int]) -> dict[str, ForwardTarget]:
    """The forwards, by name; nothing is open yet. `now_ms` is Unix time. Raises SecretError."""
    destinations = {}
    for name, config in site.forwards.items():
        community = None if config.community is None else config.community.encode()
        identity = config.source.packed if isinstance(config.source, IPv4Address) else None
        keep = config.source == "varbind" or identity is not None
        trap_format = ForwardFormat(SnmpForm(config.version), config.inform, community, keep, identity)
        spoofer = Spoofer() if config.source == "spoof" else None
        if spoofer is not None and not Spoofer.allowed():
            raise SecretError(f"forwards.{name}.source: spoof needs the capability CAP_NET_RAW")
        v3_sender = _v3_sender(f"forwards.{name}", config)
        destinations[name] = ForwardTarget(
            *split_host_port(config.to), trap_format, config.send_from or "", v3_sender, spoofer, now_ms
        )
    return destinations


def _v3_sender(where: str, config: Forward) -> V3Sender | None:
    if config.user is None:
        return None
    auth = read_passphrase(where, "auth", config.auth_key, config.auth_key_file)
    priv = read_passphrase(where, "priv", config.priv_key, config.priv_key_file)
    return V3Sender(ForwardUser(config.user.encode(), config.auth, auth, config.priv, priv), os.urandom)
