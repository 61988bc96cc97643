"""The key `bmc` of a server in a rig file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ridethrough.emulators.config.base import Address, Port, RigModel


class BmcUser(RigModel):
    """A user of the BMC's LAN channel."""

    password: str = Field(max_length=20)
    privilege: Literal["user", "operator", "administrator"] = "administrator"


class AlertConfig(RigModel):
    """A receiver of platform event traps."""

    receiver: Address
    port: Port | None = None
    acknowledge: bool = False
    """Repeat until the receiver acknowledges."""
    timeout_s: int = Field(default=1, ge=1, le=255)
    retries: int = Field(default=0, ge=0, le=7)


class LinkConfig(RigModel):
    """The wait of a BMC for a cluster's recovery before it acts on a fault."""

    on: bool | None = None
    """Left out, it is on where a monitor of the gateway names the server."""
    start_s: int = Field(default=10, ge=1, le=65535)
    """From the notice to the start of recovery."""
    end_s: int = Field(default=120, ge=1, le=65535)
    """From the start of recovery to its end."""
    ceiling_s: int = Field(default=300, ge=1, le=65535)
    """However often the recovery is extended."""


class BmcConfig(RigModel):
    """A BMC on a server's board."""

    profile: str = "express5800-a1080a"
    address: Address
    suites: tuple[Literal[0, 1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17], ...] | None = Field(default=None, min_length=1)
    """Cipher suites that are on; those of the profile when left out. Suite 0 lets anybody in who knows a name."""
    link: LinkConfig = LinkConfig()
    inject: bool = False
    """True lets managers inject faults by IPMI."""
    users: dict[Annotated[str, Field(max_length=16)], BmcUser] = Field(min_length=1, max_length=14)
    alerts: tuple[AlertConfig, ...] | None = Field(default=None, max_length=8)
    """Trap destinations; when left out, the keyword address of its server, or the gateway."""
