"""Reads a subject of a stream in order, and notices messages that were lost on their way."""

from __future__ import annotations

from typing import Any

from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.jetstream.client import Consumer, JetStreamClient, StreamMessage

FETCH_TIMEOUT_S = 0.05  # how long a read waits for the server to say that there is nothing
LOST = "messages were lost on their way; they are read again"


class StreamReader:
    """A subject of a stream, read in order; going on where it stopped costs no request.

    A consumer's answers may be lost with a connection, and a consumer with its server, and neither is reported: silence
    looks the same. So what is read is counted against the consumer's own numbers.
    """

    def __init__(self, client: JetStreamClient, stream: str, subject: str) -> None:
        self._client = client
        self._stream = stream
        self._subject = subject
        self._consumer: Consumer | None = None
        self._at = -1
        self._delivered = 0  # by the consumer of this place

    async def after(self, number: int, limit: int) -> list[StreamMessage]:
        """Up to `limit` messages behind a number. Raises StoreError."""
        if self._consumer is None or self._at != number:
            await self.close()
            self._consumer = await self._client.open_consumer(self._stream, self._subject, number)
            self._at, self._delivered = number, 0
        try:
            return await self._next(self._consumer, limit)
        except StoreError:
            await self.close()
            raise

    async def _next(self, consumer: Consumer, limit: int) -> list[StreamMessage]:
        found = await self._fetch(consumer, limit)
        if not found and await self._client.delivered(consumer) != self._delivered:
            found = await self._fetch(consumer, limit)  # what came too late for the first time is here by now
            if not found:
                raise StoreError(f"JetStream {self._stream}: {LOST}")
        for item in found:
            self._delivered += 1
            if item.metadata.sequence.consumer != self._delivered:
                raise StoreError(f"JetStream {self._stream}: {LOST}")
        messages = [
            StreamMessage(item.metadata.sequence.stream, item.subject, item.data, dict(item.headers or {}))
            for item in found
        ]
        if messages:
            self._at = messages[-1].seq
        return messages

    async def _fetch(self, consumer: Consumer, limit: int) -> list[Any]:
        from nats.errors import Error

        try:
            return list(await consumer.subscription.fetch(limit, timeout=FETCH_TIMEOUT_S))
        except TimeoutError:
            return []
        except (Error, OSError) as error:
            raise StoreError(f"JetStream {self._stream}: {type(error).__name__} {error}".rstrip()) from error

    async def close(self) -> None:
        """Close the consumer."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await self._client.close_consumer(consumer)
