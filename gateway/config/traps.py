"""Notifications in a site file: their senders, rules and forwards."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ridethrough.gateway.config.base import Address, DeviceId, HostPort, Strict
from ridethrough.gateway.records import Severity
from ridethrough.wire.snmp.usm import Auth, Priv


class UserKeys(Strict):
    """Authentication and privacy of a user of SNMP version 3."""

    auth: Auth | None = None
    auth_key: Annotated[str, Field(min_length=8)] | None = Field(default=None, repr=False)
    """Only for rigs; a site keeps passphrases in files."""
    auth_key_file: Path | None = None
    priv: Priv | None = None
    priv_key: Annotated[str, Field(min_length=8)] | None = Field(default=None, repr=False)
    priv_key_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, protocol, key, path in (
            ("auth", self.auth, self.auth_key, self.auth_key_file),
            ("priv", self.priv, self.priv_key, self.priv_key_file),
        ):
            if (protocol is not None) != ((key is None) != (path is None)):
                raise ValueError(f"{name} goes with exactly one of {name}_key and {name}_key_file")
        if self.priv is not None and self.auth is None:
            raise ValueError("there is no privacy without authentication")
        return self


class TrapUserConfig(UserKeys):
    """A user of SNMP version 3 who may send. Messages below the level given here are refused."""

    name: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    """The name in messages; that of the row when left out. Several rows may have one name, from different networks."""
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of this user's senders; all when empty."""


class AccessConfig(Strict):
    """Senders that the trap listeners accept."""

    communities: tuple[str, ...] = ("public",)
    users: dict[Annotated[str, Field(min_length=1, max_length=32)], TrapUserConfig] = Field(default_factory=dict)
    """Users of version 3, by name; none when left out."""
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may send; all when empty."""
    trusted_relays: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of other forwarders: the device is the address in snmpTrapAddress.0 or agent-addr, and no storm is seen
    in them."""


class RuleMatch(Strict):
    """Conditions on a notification, of which all that are given must hold."""

    trap: Annotated[str, Field(pattern=r"^(\d+(\.\d+)+(\.\*)?|[A-Za-z][A-Za-z0-9-]*)$")] | None = None
    """Its identifier, one that ends in `.*` for all below it, or its name in the MIB texts."""
    device: DeviceId | None = None
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    variables: dict[str, str | int] = Field(default_factory=dict)
    """Values by the names that the evidence of events has, with or without the instance."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.trap or self.device or self.sources or self.variables):
            raise ValueError("match asks for nothing; give trap, device, sources or variables")
        return self


class RuleConfig(Strict):
    """A rule for notifications that the gateway does not know, or should translate in another way."""

    match: RuleMatch
    event: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")] | None = None
    """The type of the event; one that the gateway knows brings its condition along."""
    drop: bool = False
    """Make no event; the journal keeps the datagram."""
    severity: Severity = Severity.WARNING
    text: str = ""
    """Text for people; `{device}`, `{source}`, `{trap}` and names of variables are filled in."""
    opens: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    """The condition of the device that the event opens."""
    clears: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    """The condition that it clears."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.event is None) is not self.drop:
            raise ValueError("give exactly one of event and drop")
        if self.opens and self.clears:
            raise ValueError("an event opens a condition or clears one")
        return self


class Forward(UserKeys):
    """A manager to which the notifications are forwarded."""

    to: HostPort
    """`HOST:PORT`."""
    version: Literal["same", "v1", "v2c", "v3"] = Field(default="same", alias="as")
    """`same` sends the octets as they came; the others convert by RFC 3584."""
    inform: bool = False
    """Send informs, each until it is acknowledged; with `as: v2c` and `v3`."""
    community: str | None = None
    """The community to send; the one that came in when left out. With `as: v1` and `v2c`."""
    source: Literal["varbind", "none", "spoof"] | IPv4Address = "varbind"
    """Sender that the receiver sees. `varbind` names the device in snmpTrapAddress.0, or in agent-addr of version 1; an
    IPv4 address names that one instead; `spoof` sends traps as if from the device itself, which needs CAP_NET_RAW."""
    send_from: Address | None = None
    """The gateway's own address to send from, such as a cluster's virtual one."""
    user: str | None = None
    """User of version 3 as which the notifications are sent."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.inform and self.version not in ("v2c", "v3"):
            raise ValueError("inform goes with `as: v2c` or `as: v3`; with `as: same` informs stay informs")
        if self.community is not None and self.version not in ("v1", "v2c"):
            raise ValueError("community goes with `as: v1` or `as: v2c`")
        if self.source == "spoof" and (self.inform or self.version == "v3" or self.send_from is not None):
            raise ValueError("source: spoof goes with neither informs nor `as: v3` nor send_from")
        if isinstance(self.source, IPv4Address) and self.version == "same":
            raise ValueError("an address as source goes with `as: v1`, `v2c` or `v3`; `as: same` changes no octet")
        if (self.version == "v3") != (self.user is not None):
            raise ValueError("`as: v3` goes with a user")
        if self.user is None and (self.auth or self.priv):
            raise ValueError("auth and priv go with `as: v3`")
        return self
