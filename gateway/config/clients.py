"""Keys of a site file for servers that the gateway connects to: TLS, and the login at NATS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from ridethrough.gateway.config.base import Strict


class Tls(Strict):
    """Certificates that a server must show, and that of this client."""

    ca_file: Path | None = None
    """Certificates to believe instead of the system's."""
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file goes with cert_file")
        return self


class NatsLogin(Strict):
    """NATS servers, and the login there."""

    servers: tuple[Annotated[str, Field(pattern=r"^(nats|tls)://")], ...] = ("nats://127.0.0.1:4222",)
    user: str | None = None
    password_file: Path | None = None
    credentials_file: Path | None = None
    """A user's JWT and key, as `nsc` writes them."""
    tls: Tls | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user goes with password_file")
        if self.user is not None and self.credentials_file is not None:
            raise ValueError("give a user or credentials_file, not both")
        return self
