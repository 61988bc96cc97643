"""The outbox in a JetStream: events once each, and the cursors of destinations, of one partition."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ridethrough.gateway.records import EngineClock, Event, encode_json, event_place
from ridethrough.gateway.storage.interfaces import DeadLetter, PendingRetry, Queued
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, Publication
from ridethrough.gateway.storage.jetstream.stream_reader import StreamReader

ALL = "*"


class StoredState(msgspec.Struct):
    """The state of the stages when the journal was worked off up to `processed`."""

    processed: int
    state: bytes = msgspec.field(name="memory")


class JetOutbox:
    """One partition, or all of them to be read. All methods raise StoreError."""

    def __init__(self, client: JetStreamClient, partition: int | str = ALL) -> None:
        self._client = client
        self._partition = partition
        self._reader = StreamReader(client, client.event_name, f"{client.layout.events(partition)}.>")
        self._key = f"memory.{partition}"
        self._revision = 0

    async def resume(self) -> tuple[int, bytes]:
        """The last position worked off, and the state of the stages there."""
        found = await self._client.get(self._key)
        if found is None:
            self._revision = 0
            return 0, b""
        self._revision = found[1]
        stored = msgspec.json.decode(found[0], type=StoredState)
        return stored.processed, stored.state

    async def peek(self) -> bytes:
        """The state of the stages, as the partition's owner stored it last."""
        found = await self._client.get(self._key)
        return b"" if found is None else msgspec.json.decode(found[0], type=StoredState).state

    async def add(
        self, events: Sequence[Event], processed: int, state: bytes, clocks: Sequence[EngineClock] = ()
    ) -> None:
        """Store events, then that the journal has been worked off up to `processed`.

        A crash in between repeats the events, which their identifiers undo. Raises LeaseLost when another gateway has
        written here meanwhile. Clocks of engines are each gateway's own.
        """
        await self._client.publish([self._publication(event) for event in events])
        value = msgspec.json.encode(StoredState(processed, state))
        self._revision = await self._client.swap(self._key, value, self._revision)

    def _publication(self, event: Event) -> Publication:
        return Publication(self._subject(self._partition, event.id), encode_json(event), f"event {event.id}")

    def _subject(self, partition: int | str, event_id: str) -> str:
        """Each event has a subject of its own: the two parts of its identifier, below that of its partition."""
        return f"{self._client.layout.events(partition)}.{event_id.replace('-', '.')}"

    async def after(self, seq: int, limit: int) -> list[Queued]:
        """Up to `limit` events behind `seq`."""
        return [
            Queued(message.seq, msgspec.json.decode(message.data, type=Event))
            for message in await self._reader.after(seq, limit)
        ]

    async def seq_of(self, event_id: str) -> int | None:
        """Place of the event called `event_id`; None when there is none."""
        place = event_place(event_id)
        if place is None:
            return None
        record = await self._client.subject_at(self._client.raw_name, place[0])
        if record is None:
            return None
        partition = record.rpartition(".")[2]
        return await self._client.last_of_subject(self._client.event_name, self._subject(partition, event_id))

    async def last_seq(self) -> int:
        """Place of the newest event of all partitions."""
        return (await self._client.last(self._client.event_name))[1]

    async def behind(self, seq: int) -> int:
        """Number of events behind `seq`."""
        return await self._client.pending(
            self._client.event_name, f"{self._client.layout.events(self._partition)}.>", seq
        )

    def cursor(self, name: str) -> JetCursor:
        """The cursor of the destination called `name`."""
        return JetCursor(self._client, self._partition, name)

    def view(self) -> JetOutbox:
        """The same, with a position of its own in the stream."""
        return JetOutbox(self._client, self._partition)

    async def close(self) -> None:
        """Close the consumer."""
        await self._reader.close()


class JetCursor:
    """The entries of one destination in one partition. All methods raise StoreError."""

    def __init__(self, client: JetStreamClient, partition: int | str, name: str) -> None:
        self._client = client
        self._own = f"{partition}.{name.replace(':', '.')}"
        self._paused = f"paused.{name.replace(':', '.')}"  # of all partitions

    async def position(self) -> int:
        """The position up to which the destination is done; 0 before its first event."""
        found = await self._client.get(f"cursor.{self._own}")
        return 0 if found is None else int(found[0])

    async def begin(self, seq: int) -> None:
        """Start behind `seq`, unless there is a position already."""
        if await self._client.get(f"cursor.{self._own}") is None:
            await self._client.put(f"cursor.{self._own}", str(seq).encode())

    async def advance(self, seq: int) -> None:
        """Store that everything up to `seq` is done."""
        await self._client.put(f"cursor.{self._own}", str(seq).encode())

    async def advance_lazily(self, seq: int) -> bool:
        """At once: nothing else is written that could take it along."""
        await self.advance(seq)
        return True

    async def save_retry(self, retry: PendingRetry) -> None:
        """Store the wait for the next attempt, in place of the one before."""
        await self._client.put(f"retry.{self._own}", msgspec.json.encode(retry))

    async def retry(self) -> PendingRetry | None:
        """The wait that an earlier owner stored; the caller drops it when the cursor has passed its event."""
        found = await self._client.get(f"retry.{self._own}")
        return None if found is None else msgspec.json.decode(found[0], type=PendingRetry)

    async def dead_letter(self, seq: int, reason: str) -> None:
        """Store a copy of the event at `seq`, which outlives the event in the stream."""
        reader = StreamReader(self._client, self._client.event_name, f"{self._client.layout.events(ALL)}.>")
        for message in await reader.after(seq - 1, 1):
            item = DeadLetter(seq, msgspec.json.decode(message.data, type=Event), reason)
            await self._client.put(f"aside.{self._own}.{seq}", msgspec.json.encode(item))
        await reader.close()

    async def requeue(self, seq: int) -> None:
        """Remove the dead letter at `seq`."""
        await self._client.remove(f"aside.{self._own}.{seq}")

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Up to `limit` dead letters behind `after`."""
        items: list[DeadLetter] = []
        for number in await self._numbers():
            if number > after and len(items) < limit:
                found = await self._client.get(f"aside.{self._own}.{number}")
                if found is not None:
                    items.append(msgspec.json.decode(found[0], type=DeadLetter))
        return items

    async def dead_letter_count(self) -> int:
        """Number of dead letters."""
        return len(await self._numbers())

    async def _numbers(self) -> list[int]:
        keys = await self._client.keys(f"aside.{self._own}.")
        return sorted(int(key.rpartition(".")[2]) for key in keys)

    async def pause(self, *, paused: bool) -> None:
        """Store, for all partitions, that the destination is paused, or no longer."""
        await self._client.put(self._paused, b"yes" if paused else b"no")

    async def is_paused(self) -> bool:
        """True when the destination was paused, at any gateway."""
        found = await self._client.get(self._paused)
        return found is not None and found[0] == b"yes"
