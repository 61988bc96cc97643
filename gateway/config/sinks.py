"""What a site file says of sinks: where events go, which of them, and in what form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ridethrough.gateway.config.base import DeviceId, Seconds, Strict
from ridethrough.gateway.config.traps import Destination
from ridethrough.gateway.records import Severity

PLACEHOLDERS = re.compile(r"\{([^{}]*)\}")
FIELDS = ("id", "type", "subject", "time", "source")
TYPE_PATTERN = r"^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)$"


def _template(text: str) -> str:
    for name in PLACEHOLDERS.findall(text):
        if name not in FIELDS and not re.fullmatch(r"data\.[a-z_]+", name):
            raise ValueError(f"{{{name}}} is no field of an event; accepted: {', '.join(FIELDS)}, data.NAME")
    return text


def _tree(value: Any) -> Any:
    """Every text within a document is a template."""
    if isinstance(value, str):
        return _template(value)
    if isinstance(value, dict):
        return {str(key): _tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_tree(item) for item in value]
    return value


Template = Annotated[str, AfterValidator(_template)]
EventPattern = Annotated[str, Field(pattern=TYPE_PATTERN)]


class Tls(Strict):
    """How a server is believed, and how this client shows who it is."""

    ca_file: Path | None = None
    """Certificates to believe instead of the system's."""
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file goes with cert_file")
        return self


class SinkBase(Strict):
    """What all sinks share: which events they get."""

    types: tuple[EventPattern, ...] = ()
    """Types of events, `ups.*` for all that begin so; all when empty."""
    devices: tuple[DeviceId, ...] = ()
    """Devices, by name; all when empty."""
    severity: Severity = Severity.INFO
    """The least severity."""


class WebhookSink(SinkBase):
    """POST events to a URL, signed by Standard Webhooks when a secret is given."""

    type: Literal["webhook"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    secret_file: Path | None = None
    timeout_s: Seconds = 10
    tls: Tls | None = None
    body: Annotated[Any, AfterValidator(_tree)] = None
    """A JSON document instead of the event; its texts may name fields, as in `{subject}`."""
    batch: int = Field(default=1, ge=1, le=1000)
    """Above 1, every request is an array of up to so many (CloudEvents' batched mode): all that wait at that moment."""


class FileSink(SinkBase):
    """Append each event to a file, one JSON document a line."""

    type: Literal["file"]
    path: Path
    line: Template | None = None
    """A line of text instead."""


class SseSink(Strict):
    """Server-sent events at /v1/events/stream; always there, listed for its limits."""

    type: Literal["sse"]
    max_clients: int = Field(default=64, ge=1)


class ExecSink(SinkBase):
    """Run a program for each event, without a shell. Exit status 0 means taken."""

    type: Literal["exec"]
    argv: tuple[Template, ...] = Field(min_length=1)
    """The program by its path, and its arguments; `{subject}`, `{data.server}` and the like are filled in."""
    types: tuple[EventPattern, ...] = ("bmc.notice",)
    """Types of events it is run for."""
    timeout_s: Seconds = 180


System = Literal["user", "daemon", "auth", "syslog"]
Local = Literal["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]
Facility = Literal[System, Local]


class SyslogSink(SinkBase):
    """A syslog message for each event (RFC 5424)."""

    type: Literal["syslog"]
    to: Destination
    """`HOST:PORT`."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    facility: Facility = "daemon"
    tls: Tls | None = None
    """With `transport: tls` (RFC 5425)."""
    text: Template | None = None
    """The message instead of the event's text."""

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.tls is not None and self.transport != "tls":
            raise ValueError("tls goes with `transport: tls`")
        return self


class NatsLogin(Strict):
    """How a NATS server is reached."""

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


class NatsSink(SinkBase):
    """Publish each event to a NATS JetStream, which acknowledges it. Needs the extra `ridethrough[nats]`."""

    type: Literal["nats"]
    login: NatsLogin = NatsLogin()
    subject: Template = "ridethrough.events.{type}"
    """Where to publish; a stream must take it."""
    body: Annotated[Any, AfterValidator(_tree)] = None
    timeout_s: Seconds = 5


Sink = Annotated[WebhookSink | FileSink | SseSink | ExecSink | SyslogSink | NatsSink, Field(discriminator="type")]
