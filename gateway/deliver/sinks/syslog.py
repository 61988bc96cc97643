"""Syslog messages (RFC 5424), over UDP (RFC 5426) or TCP with counted octets (RFC 6587 section 3.4.1)."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from typing import Literal, Self

from pydantic import model_validator

from ridethrough.gateway.config.base import HostPort, split_host_port
from ridethrough.gateway.config.clients import Tls
from ridethrough.gateway.config.secrets import client_tls
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Retry, Sink, SinkConfig, SinkContext
from ridethrough.gateway.deliver.templates import Template, shown
from ridethrough.gateway.net.addresses import open_stream
from ridethrough.gateway.net.udp_sender import UdpSender
from ridethrough.gateway.records import Event, Severity

# Facilities by name (RFC 5424 table 1), and severities (table 2).
FACILITIES = {"user": 1, "daemon": 3, "auth": 4, "syslog": 5} | {f"local{number}": 16 + number for number in range(8)}
SEVERITIES = {Severity.CRITICAL: 2, Severity.WARNING: 4, Severity.INFO: 6}
ELEMENT = "ridethrough@32473"  # structured data of our own, under the number for examples (RFC 5612)
LONGEST_HOST, LONGEST_ID = 255, 32
NIL = "-"
BOM = b"\xef\xbb\xbf"
ESCAPED = re.compile(r'["\\\]]')
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
TIMEOUT_S = 10.0


def message(event: Event, facility: str, template: str | None = None) -> bytes:
    """The octets. The device is the host, as a receiver should see it; the type of the event is the MSGID."""
    severity = SEVERITIES.get(event.data.get("severity", Severity.INFO), SEVERITIES[Severity.INFO])
    head = [
        f"<{FACILITIES[facility] * 8 + severity}>1",
        event.time,
        _token(event.subject, LONGEST_HOST),
        "ridethrough",
        NIL,
        _token(event.type, LONGEST_ID),
    ]
    facts = {"id": event.id, "type": event.type, "source": event.source, "device": event.subject}
    facts |= {name: str(event.data[name]) for name in ("condition", "group", "server") if event.data.get(name)}
    data = " ".join(f'{name}="{_escape(value)}"' for name, value in facts.items())
    text = (str(event.data.get("text", "")) if template is None else shown(template, event)).encode()
    # RFC 5424 section 6.4: a text that needs UTF-8 says so.
    return " ".join([*head, f"[{ELEMENT} {data}]"]).encode() + b" " + (text if text.isascii() else BOM + text)


def _escape(value: str) -> str:
    """RFC 5424 section 6.3.3."""
    return ESCAPED.sub(lambda found: "\\" + found[0], value)


def _token(text: str, longest: int) -> str:
    return UNPRINTABLE.sub("_", text)[:longest] or NIL


System = Literal["user", "daemon", "auth", "syslog"]
Local = Literal["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]
Facility = Literal[System, Local]


class SyslogConfig(SinkConfig):
    """A syslog message for each event (RFC 5424)."""

    type: Literal["syslog"]
    to: HostPort
    """`HOST:PORT`."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    facility: Facility = "daemon"
    tls: Tls | None = None
    """With `transport: tls` (RFC 5425)."""
    text: Template | None = None
    """The message instead of the event's text."""

    @model_validator(mode="after")
    def _over_tls(self) -> Self:
        if self.tls is not None and self.transport != "tls":
            raise ValueError("tls goes with `transport: tls`")
        return self

    def build(self, context: SinkContext) -> Sink:
        """The sink, not connected yet. Raises SecretError."""
        tls = client_tls(context.where, self.tls)
        return SyslogSink(split_host_port(self.to), self.transport, self.facility, self.text, tls)


class SyslogSink:
    """`transport` is udp, tcp, or tls (RFC 5425).

    Syslog has no acknowledgement: what TCP took may still be lost when the receiver dies.
    """

    lanes = 1

    def __init__(
        self,
        place: tuple[str, int],
        transport: str,
        facility: str,
        template: str | None = None,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        self._place = place
        self._tcp = transport != "udp"
        self._over_tls = transport == "tls"
        self._template = template
        self._tls = tls
        self._facility = facility
        self._stream: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._sender = UdpSender(*place)

    async def deliver(self, event: Event) -> Outcome:
        """Send a message. `Delivered` means that the system took it: syslog has no acknowledgement."""
        octets = message(event, self._facility, self._template)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await (self._send_stream(octets) if self._tcp else self._send_datagram(octets))
        except TimeoutError:
            await self.close()
            return Retry(f"{self._place[0]}:{self._place[1]}: no connection within {TIMEOUT_S:g} s")
        except OSError as error:
            await self.close()
            return Retry(f"{self._place[0]}:{self._place[1]}: {error}")
        return Delivered()

    async def _send_stream(self, octets: bytes) -> None:
        if self._stream is None:
            tls = (self._tls() or ssl.create_default_context()) if self._over_tls else None
            self._reader, self._stream = await open_stream(*self._place, tls)
        # A receiver sends nothing; all that can be read is that it closes.
        if self._stream.is_closing() or (self._reader is not None and self._reader.at_eof()):
            raise ConnectionResetError("the receiver closed the connection")
        self._stream.write(str(len(octets)).encode() + b" " + octets)
        await self._stream.drain()

    async def _send_datagram(self, octets: bytes) -> None:
        if not self._sender.is_open:
            await self._sender.open()
        elif self._sender.exhausted:
            await self._sender.open_seldom()
        self._sender.send(octets)

    async def close(self) -> None:
        """Close the connection; the next delivery opens another."""
        if self._stream is not None:
            self._stream.close()
            self._stream = self._reader = None
        self._sender.close()


SINK = SyslogConfig
