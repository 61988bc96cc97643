"""Events published to a NATS JetStream, which acknowledges each one.

`Nats-Msg-Id` is the event's identifier, so that the stream drops what is published twice within its window.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from ridethrough.gateway.config.base import Seconds
from ridethrough.gateway.config.clients import NatsLogin
from ridethrough.gateway.config.secrets import client_tls, nats_login
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Reject, Retry, Sink, SinkConfig, SinkContext
from ridethrough.gateway.deliver.templates import Template, TemplateTree, document, shown
from ridethrough.gateway.records import Event, encode_json

UNUSABLE = re.compile(r"[^\w.-]+")  # spaces and wildcards in the tokens of a subject
TOO_LARGE = 10054  # the server's number for a message beyond the stream's limit


class NatsConfig(SinkConfig):
    """Publish each event to a NATS JetStream, which acknowledges it. Needs the extra `ridethrough[nats]`."""

    type: Literal["nats"]
    login: NatsLogin = NatsLogin()
    subject: Template = "ridethrough.events.{type}"
    """Subject to publish at; a stream must take it."""
    body: TemplateTree = None
    timeout_s: Seconds = 5

    def build(self, context: SinkContext) -> Sink:
        """The sink, not connected yet. Raises SecretError."""
        login, tls = nats_login(context.where, self.login), client_tls(f"{context.where}.login", self.login.tls)
        return NatsSink(login, tls, self.subject, self.body, self.timeout_s)


class NatsSink:
    """`login` returns arguments of `nats.connect`; the connection is made at the first event and kept."""

    lanes = 32

    def __init__(
        self,
        login: Callable[[], dict[str, Any]],
        tls: Callable[[], ssl.SSLContext | None],
        subject: str,
        body: Any,
        timeout_s: float,
    ) -> None:
        self._login = login
        self._tls = tls
        self._subject = subject
        self._body = body
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._connecting = asyncio.Lock()

    async def deliver(self, event: Event) -> Outcome:
        """Publish the event, and wait for the acknowledgement of the stream."""
        from nats.errors import Error, MaxPayloadError
        from nats.js.errors import APIError, NoStreamResponseError

        subject = UNUSABLE.sub("_", shown(self._subject, event))
        body = encode_json(event if self._body is None else document(self._body, event))
        headers = {"Nats-Msg-Id": f"{event.source} {event.id}"}
        try:
            stream = (await self._connected()).jetstream(timeout=self._timeout_s)
            await stream.publish(subject, body, headers=headers)
        except NoStreamResponseError:
            return Retry(f"no stream takes {subject}")
        except MaxPayloadError as error:
            return Reject(str(error))
        except APIError as error:
            reason = f"{subject}: {error.description}"
            return Reject(reason) if error.err_code == TOO_LARGE else Retry(reason)
        except (Error, OSError, TimeoutError) as error:
            return Retry(f"{type(error).__name__}: {error}")
        return Delivered()

    async def _connected(self) -> Any:
        """Raises the errors of nats-py, OSError, and TimeoutError: it would try to connect for ever."""
        from ridethrough.gateway.net.nats_client import new_client, options

        async with self._connecting:
            if self._connection is None or self._connection.is_closed:
                login = options(self._login, self._tls)
                client = new_client()
                try:
                    async with asyncio.timeout(self._timeout_s):
                        # The worker tries again, with its own waits.
                        await client.connect(**login, allow_reconnect=False, error_cb=_quiet)
                except BaseException:
                    with suppress(Exception):
                        await client.close()  # what is half open would stay so
                    raise
                self._connection = client
        return self._connection

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None and not self._connection.is_closed:
            await self._connection.close()


async def _quiet(_error: Exception) -> None:
    """Drop errors that nats-py reports besides: each failed call raises its own."""


SINK = NatsConfig
