"""Where events and notifications go, for those who look after it: how far, paused, again."""

from __future__ import annotations

from typing import Any

from gateway.api import Refusal
from gateway.deliver import Dispatcher, Outbox
from gateway.deliver.forward import Forwarder
from gateway.deliver.sinks.sse import Streams
from gateway.journal import Journal
from gateway.records import Redelivery

STREAM = "stream"


class Destinations:
    """Sinks and forwards by name; no two have the same."""

    def __init__(
        self, outbox: Outbox, journal: Journal, dispatcher: Dispatcher, forwarder: Forwarder, streams: Streams
    ) -> None:
        self._outbox = outbox
        self._journal = journal
        self._dispatcher = dispatcher
        self._forwarder = forwarder
        self._streams = streams

    async def rows(self) -> list[dict[str, Any]]:
        """How each stands. Raises StoreError."""
        stream: dict[str, Any] = {"name": STREAM, "type": "sse", "clients": self._streams.clients}
        sinks = await self._dispatcher.rows()
        return [stream, *sinks, *await self._forwarder.rows((await self._journal.extent())[1])]

    async def row(self, name: str) -> dict[str, Any]:
        """How one stands. Raises Refusal 404."""
        self._known(name)
        return next(row for row in await self.rows() if row["name"] == name)

    async def pause(self, name: str) -> None:
        """Raises Refusal 404 and 422, StoreError."""
        self._known(name)
        if name in self._dispatcher.workers:
            await self._dispatcher.workers[name].pause()
        else:
            await self._forwarder.pause(name)

    async def resume(self, name: str) -> None:
        """Go on, at once. Raises Refusal 404 and 422, StoreError."""
        self._known(name)
        if name in self._dispatcher.workers:
            await self._dispatcher.workers[name].resume()
        else:
            await self._forwarder.resume(name)

    async def redeliver(self, name: str, wanted: Redelivery) -> None:
        """Send again what is behind an event or a position, or was set aside. Raises Refusal and StoreError."""
        self._known(name)
        worker = self._dispatcher.workers.get(name)
        given = [key for key in ("after", "after_position") if getattr(wanted, key) is not None]
        given += ["aside"] if wanted.aside else []
        accepted = ("after", "aside") if worker else ("after_position",)
        if len(given) != 1 or given[0] not in accepted:
            raise Refusal(422, f"{name} takes exactly one of: {', '.join(accepted)}")
        if worker is None:
            position = wanted.after_position or 0
            last = (await self._journal.extent())[1]
            if not 0 <= position <= last or position != int(position):
                raise Refusal(422, f"after_position {position} is no whole number in 0..{last}")
            await self._forwarder.redeliver(name, int(position))
        elif wanted.aside:
            worker.retry_aside()
        else:
            seq = await self._outbox.seq_of(wanted.after) if wanted.after else 0
            if seq is None:
                raise Refusal(404, f"there is no event {wanted.after!r}")
            worker.redeliver(seq)

    async def aside(self, name: str, after: str, limit: int) -> list[dict[str, Any]]:
        """What a sink will never take, with the reasons. Raises Refusal 404 and StoreError."""
        self._known(name)
        worker = self._dispatcher.workers.get(name)
        if worker is None:
            return []
        seq = await self._outbox.seq_of(after) if after else 0
        if seq is None:
            raise Refusal(404, f"there is no event {after!r}")
        return [{"reason": item.reason, "event": item.event} for item in await worker.book.aside(seq, limit)]

    def _known(self, name: str) -> None:
        known = (*self._dispatcher.workers, *self._forwarder.progress)
        if name == STREAM:
            raise Refusal(422, "clients of the event stream keep their own place")
        if name not in known:
            raise Refusal(404, f"there is no destination {name!r}; known: {', '.join(known) or 'none'}")
