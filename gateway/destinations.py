"""Sinks and forwards for an operator: status, pause, resume, redelivery, dead letters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from ridethrough.gateway.api import Refusal
from ridethrough.gateway.deliver.sinks.sse import Streams
from ridethrough.gateway.pipeline.core import DeliverySet
from ridethrough.gateway.records import Redelivery
from ridethrough.gateway.status import DestinationStatus, StreamStatus
from ridethrough.gateway.storage.interfaces import DeadLetter, EventReader

STREAM = "stream"


class DestinationService:
    """Sinks and forwards by name; no two have the same. `sinks` gives their kinds.

    `parts` are those that this gateway serves now: one, or one for each partition that it owns.
    """

    def __init__(
        self,
        sinks: Mapping[str, str],
        forwards: Collection[str],
        parts: Callable[[], Sequence[DeliverySet]],
        events: EventReader,
        extent: Callable[[], Awaitable[tuple[int, int]]],
        streams: Streams,
    ) -> None:
        self._sinks = sinks
        self._forwards = forwards
        self._parts = parts
        self._events = events
        self._extent = extent
        self._streams = streams

    def serve(self, sinks: Mapping[str, str], forwards: Collection[str]) -> None:
        """Set the destinations, after a reload."""
        self._sinks, self._forwards = sinks, forwards

    async def statuses(self) -> list[StreamStatus | DestinationStatus]:
        """The status of each, the event stream first. Raises StoreError."""
        found: dict[str, DestinationStatus] = {}
        for part in self._parts():
            _, last = await self._extent() if self._forwards else (0, 0)
            for status in (*await part.dispatcher.statuses(), *await part.forwarder.statuses(last)):
                known = found.get(status.name)
                found[status.name] = status if known is None else known.merged(status)
        kinds = {**self._sinks, **dict.fromkeys(self._forwards, "forward")}
        # Those for which another gateway does all the work.
        idle = [DestinationStatus(name, kind) for name, kind in kinds.items() if name not in found]
        return [StreamStatus(STREAM, "sse", self._streams.clients), *found.values(), *idle]

    async def status(self, name: str) -> DestinationStatus:
        """The status of one. Raises Refusal 404, and 422 for the event stream."""
        self._known(name)
        statuses = await self.statuses()
        return next(row for row in statuses if isinstance(row, DestinationStatus) and row.name == name)

    async def pause(self, name: str) -> None:
        """Send nothing from now on, also after a restart. Raises Refusal 404 and 422, StoreError."""
        self._known(name)
        for part in self._parts():
            await (part.dispatcher.workers[name].pause() if name in self._sinks else part.forwarder.pause(name))

    async def resume(self, name: str) -> None:
        """Go on, at once. Raises Refusal 404 and 422, StoreError."""
        self._known(name)
        for part in self._parts():
            await (part.dispatcher.workers[name].resume() if name in self._sinks else part.forwarder.resume(name))

    async def redeliver(self, name: str, wanted: Redelivery) -> None:
        """Send again what is behind an event or a position, or is a dead letter. Raises Refusal and StoreError."""
        self._known(name)
        given = [key for key in ("after", "after_position") if getattr(wanted, key) is not None]
        given += ["aside"] if wanted.aside else []
        accepted = ("after", "aside") if name in self._sinks else ("after_position",)
        if len(given) != 1 or given[0] not in accepted:
            raise Refusal(422, f"{name} takes exactly one of: {', '.join(accepted)}")
        if name in self._forwards:
            position = wanted.after_position or 0
            _, last = await self._extent()
            if not 0 <= position <= last or position != int(position):
                raise Refusal(422, f"after_position {position} is no whole number in 0..{last}")
            for part in self._parts():
                await part.forwarder.redeliver(name, int(position))
            return
        seq = await self._seq(wanted.after or "")
        for part in self._parts():
            worker = part.dispatcher.workers[name]
            if wanted.aside:
                worker.retry_dead_letters()
            else:
                worker.redeliver(seq)

    async def dead_letters(self, name: str, after: str, limit: int) -> list[DeadLetter]:
        """Dead letters of a sink behind the event `after`, with the reasons. Raises Refusal 404 and StoreError."""
        self._known(name)
        seq = await self._seq(after)
        if name in self._forwards:
            return []
        items = [
            item
            for part in self._parts()
            for item in await part.dispatcher.workers[name].cursor.dead_letters(seq, limit)
        ]
        items.sort(key=lambda item: item.seq)
        return items[:limit]

    async def _seq(self, event_id: str) -> int:
        seq = await self._events.seq_of(event_id) if event_id else 0
        if seq is None:
            raise Refusal(404, f"there is no event {event_id!r}")
        return seq

    def _known(self, name: str) -> None:
        known = (*self._sinks, *self._forwards)
        if name == STREAM:
            raise Refusal(422, "clients of the event stream keep their own place")
        if name not in known:
            raise Refusal(404, f"there is no destination {name!r}; known: {', '.join(known) or 'none'}")
