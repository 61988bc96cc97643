"""The HTTP interface in a site file: where it listens, and who may ask."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ridethrough.gateway.config.base import BindAddress, Strict, split_host_port


class Token(Strict):
    """A bearer token: the SHA-256 of its text in hexadecimal, or a file with its text."""

    role: Literal["read", "operate", "lab"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.sha256 is None) == (self.file is None):
            raise ValueError("give exactly one of sha256 and file")
        return self


class RateLimits(Strict):
    """Rate of requests that one holder of a token may send from one address."""

    per_s: Annotated[float, Field(gt=0)] = 50
    burst: int = Field(default=200, ge=1)


class ServerTls(Strict):
    """TLS of the HTTP interface."""

    cert_file: Path
    key_file: Path | None = None
    client_ca_file: Path | None = None
    """With it, only clients with a certificate of this authority are let in."""


class Api(Strict):
    """The HTTP interface."""

    bind: BindAddress = "127.0.0.1:8080"
    tokens: dict[str, Token] = Field(default_factory=dict)
    """By name. Needed as soon as `bind` is not loopback."""
    limits: RateLimits = RateLimits()
    """For those who hold tokens."""
    tls: ServerTls | None = None

    @property
    def host(self) -> str:
        """The name or address of `bind`, an IPv6 address without brackets."""
        return split_host_port(self.bind)[0]

    @property
    def port(self) -> int:
        """The port of `bind`; 0 until one was taken."""
        return split_host_port(self.bind)[1]

    @property
    def url(self) -> str:
        """The URL at which this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        local = self.host == "localhost" or ip_address(self.host).is_loopback
        if not local and not self.tokens:
            raise ValueError(
                f"{self.bind} can be reached from outside, so api.tokens must name at least one token; "
                "or bind 127.0.0.1"
            )
        return self
