"""A POST for each event, or for several, signed by the rules of Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import hmac
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ridethrough.gateway.config.base import Seconds
from ridethrough.gateway.config.clients import Tls
from ridethrough.gateway.config.secrets import SecretError, client_tls
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Reject, Retry, Sink, SinkConfig, SinkContext
from ridethrough.gateway.deliver.templates import TemplateTree, document
from ridethrough.gateway.records import Event, encode_json

if TYPE_CHECKING:
    import aiohttp  # imported where it is used: reading a site file does without it

CONTENT_TYPE = "application/cloudevents+json"
CONTENT_TYPE_BATCH = "application/cloudevents-batch+json"
CONTENT_TYPE_BODY = "application/json"
LANES = 16  # requests at once, of one event each
# Statuses of 4xx after which the same request may succeed later; every other one rejects the event.
RETRIED_STATUSES = frozenset({408, 409, 425, 429})


class WebhookConfig(SinkConfig):
    """POST events to a URL, signed by Standard Webhooks when a secret is given."""

    type: Literal["webhook"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    secret_file: Path | None = None
    timeout_s: Seconds = 10
    tls: Tls | None = None
    body: TemplateTree = None
    """A JSON document instead of the event; its texts may name fields, as in `{subject}`."""
    batch: int = Field(default=1, ge=1, le=1000)
    """Above 1, every request is an array of up to so many (CloudEvents' batched mode): all that wait at that moment."""

    def build(self, context: SinkContext) -> Sink:
        """The sink, not connected yet. Raises SecretError."""
        secret, tls = self._secret(context.where), client_tls(context.where, self.tls)
        return WebhookSink(self.url, secret, self.timeout_s, context.now_s, self.body, tls, self.batch)

    def _secret(self, where: str) -> bytes | None:
        if self.secret_file is None:
            return None
        try:
            return read_secret(self.secret_file.read_text())
        except OSError as error:
            raise SecretError(f"{where}.secret_file {self.secret_file}: {error.strerror}") from error
        except ValueError:
            raise SecretError(f"{where}.secret_file {self.secret_file}: expected base64, as whsec_...") from None


class WebhookSink:
    """`now_s` gives Unix time for the signature; `secret` of None sends unsigned; `body` goes instead of the event.

    With `batch` above 1 a request has an array of up to so many.
    """

    def __init__(
        self,
        url: str,
        secret: bytes | None,
        timeout_s: float,
        now_s: Callable[[], int],
        body: Any = None,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        batch: int = 1,
    ) -> None:
        self.batch = batch
        self.lanes = LANES if batch == 1 else 1
        self._body = body
        self._tls = tls
        self._url = url
        self._secret = secret
        self._now_s = now_s
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, event: Event) -> Outcome:
        """POST one event; see `deliver_all`."""
        return await self.deliver_all([event])

    async def deliver_all(self, events: Sequence[Event]) -> Outcome:
        """Raises nothing, as `deliver`. The identifier of several is that of the first and the last."""
        import aiohttp

        documents = [event if self._body is None else document(self._body, event) for event in events]
        body = encode_json(documents[0] if self.batch == 1 else documents)
        name = events[0].id if len(events) == 1 else f"{events[0].id}..{events[-1].id}"
        try:
            async with self._opened().post(
                self._url, data=body, headers=self._headers(name, body), allow_redirects=False
            ) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Retry(f"{type(error).__name__}: {error}")
        if 200 <= status < 300:
            return Delivered()
        reason = f"HTTP {status}"
        return Reject(reason) if 400 <= status < 500 and status not in RETRIED_STATUSES else Retry(reason)

    def _opened(self) -> aiohttp.ClientSession:
        """The connections, kept open. Raises OSError for certificates that cannot be read."""
        import aiohttp

        if self._session is None:
            tls = self._tls()
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            connector = aiohttp.TCPConnector(limit=self.lanes, ssl=True if tls is None else tls)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self._session

    def _headers(self, name: str, body: bytes) -> dict[str, str]:
        kind = CONTENT_TYPE_BODY if self._body is not None else CONTENT_TYPE if self.batch == 1 else CONTENT_TYPE_BATCH
        headers = {"content-type": kind, "webhook-id": name}
        stamp = str(self._now_s())
        headers["webhook-timestamp"] = stamp
        if self._secret is not None:
            headers["webhook-signature"] = "v1," + sign(self._secret, name, stamp, body)
        return headers

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def sign(secret: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over `id.timestamp.body`."""
    text = event_id.encode() + b"." + timestamp.encode() + b"." + body
    return base64.b64encode(hmac.digest(secret, text, "sha256")).decode()


def read_secret(text: str) -> bytes:
    """The key of a secret file: base64, with or without the `whsec_` prefix. Raises ValueError."""
    return base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)


SINK = WebhookConfig
