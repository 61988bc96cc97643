"""Server-sent events: every client reads the outbox at its own pace, so a slow one delays nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from ridethrough.gateway.backoff import GrowthSignal
from ridethrough.gateway.config.base import Strict
from ridethrough.gateway.storage.interfaces import EventReader, Queued

PAGE = 256


class SseConfig(Strict):
    """Server-sent events at /v1/events/stream; always there, listed for its limits."""

    type: Literal["sse"]
    max_clients: int = Field(default=64, ge=1)


class Streams:
    """The clients of the event stream, and what wakes them."""

    def __init__(self, outbox: EventReader, max_clients: int = 64) -> None:
        self._outbox = outbox
        self._max = max_clients
        self._growth = GrowthSignal()
        self.clients = 0

    @property
    def full(self) -> bool:
        """True when there are as many clients as may be."""
        return self.clients >= self._max

    def notify(self) -> None:
        """Wake all clients: the outbox has grown."""
        self._growth.notify()

    async def follow(self, seq: int) -> AsyncIterator[Queued]:
        """Yields every event behind `seq`, and then each new one, without end. Raises StoreError."""
        self.clients += 1
        events = self._outbox.view()
        try:
            while True:
                grown = self._growth.next
                page = await events.after(seq, PAGE)
                for queued in page:
                    seq = queued.seq
                    yield queued
                if not page:
                    await grown.wait()
        finally:
            self.clients -= 1
            await events.close()


SINK = SseConfig
