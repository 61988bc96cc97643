"""The outbox in SQLite: events, the state of the stages, the gateway's own SNMP engine and clocks of others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from ridethrough.gateway.records import EngineClock, EngineIdentity, Event, encode_json
from ridethrough.gateway.storage.interfaces import Cursor, OutboxWrite, Queued
from ridethrough.gateway.storage.sqlite import tables
from ridethrough.gateway.storage.sqlite.cursors import StoredCursor
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.packed_rows import last_used
from ridethrough.gateway.storage.sqlite.schema import CORRELATOR, ENGINE, PROCESSED
from ridethrough.gateway.storage.sqlite.tables import EVENTS, encoded, place_of, put_events
from ridethrough.gateway.storage.tail import TailCache

_KEEP_STATE = (
    "INSERT INTO state VALUES (?, ?), (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"  # both at once
)


class StoredEvents(NamedTuple):
    """Events that a transaction has written, and the octets of their JSON."""

    events: list[Queued]
    octets: int


class SqliteOutbox:
    """Events in order, written in one commit with the position they came from and the state of the stages."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._tail: TailCache[Queued] = TailCache()

    async def add(
        self, events: Sequence[Event], processed: int, state: bytes, clocks: Sequence[EngineClock] = ()
    ) -> None:
        """Store events, clocks of SNMP engines, and the fact that the journal has been worked off up to `processed`."""
        write = self.write_of(OutboxWrite(events, processed, state, clocks))
        self.extend_tail(await self._store.write(write))

    def extend_tail(self, stored: StoredEvents) -> None:
        """Keep in memory what a transaction has written, for readers at the end. Called after its commit."""
        if stored.events:
            self._tail.extend(stored.events[0].seq, *stored)

    def write_of(self, write: OutboxWrite) -> Callable[[sqlite3.Connection], StoredEvents]:
        """Like `add`, but as a function to run inside the caller's transaction; its result goes to `extend_tail`."""
        bodies, positions = encoded(write.events)

        def work(connection: sqlite3.Connection) -> StoredEvents:
            places = put_events(connection, bodies, positions)
            connection.execute(_KEEP_STATE, (PROCESSED, str(write.processed).encode(), CORRELATOR, write.state))
            if write.clocks:
                connection.executemany(
                    "INSERT OR REPLACE INTO engines VALUES (?, ?, ?, ?)",
                    [(clock.engine_id, clock.boots, clock.time_s, clock.at_ms) for clock in write.clocks],
                )
            known = len(write.events) - len(places)  # stored before a crash
            return StoredEvents(list(map(Queued, places, write.events[known:])), sum(map(len, bodies[known:])))

        return work

    async def resume(self) -> tuple[int, bytes]:
        """The last position worked off, and the state of the stages there."""

        def work(connection: sqlite3.Connection) -> tuple[int, bytes]:
            rows = dict(connection.execute("SELECT name, value FROM state"))
            return int(rows.get(PROCESSED, b"0")), rows.get(CORRELATOR, b"")

        return await self._store.read(work)

    async def identity(self, fresh: EngineIdentity) -> EngineIdentity:
        """The gateway's own SNMP engine: `fresh` the first time, later the same with the salt of `fresh`.

        When the clock was set back, it is as if the engine had started anew (RFC 3414 section 2.2.2).
        """

        def work(connection: sqlite3.Connection) -> EngineIdentity:
            row = connection.execute("SELECT value FROM state WHERE name = ?", (ENGINE,)).fetchone()
            known = msgspec.json.decode(row[0], type=EngineIdentity) if row else fresh
            (last_ms,) = connection.execute("SELECT COALESCE(MAX(at_ms), 0) FROM engines").fetchone()
            zero_s, boots = known.zero_s, known.boots
            if fresh.zero_s < max(zero_s, last_ms // 1000):
                zero_s, boots = fresh.zero_s, boots + 1
            identity = EngineIdentity(known.engine_id, boots, zero_s, fresh.salt)
            connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (ENGINE, encode_json(identity)))
            return identity

        return await self._store.write(work)

    async def clocks(self, most: int) -> list[EngineClock]:
        """The clocks of the SNMP engines that sent last, oldest first; others are forgotten."""

        def work(connection: sqlite3.Connection) -> list[EngineClock]:
            connection.execute(
                "DELETE FROM engines WHERE engine_id NOT IN"
                " (SELECT engine_id FROM engines ORDER BY at_ms DESC LIMIT ?)",
                (most,),
            )
            rows = connection.execute("SELECT engine_id, boots, time_s, at_ms FROM engines ORDER BY at_ms")
            return [EngineClock(*row) for row in rows]

        return await self._store.write(work)

    async def after(self, seq: int, limit: int) -> list[Queued]:
        """Up to `limit` events behind `seq`."""
        newest = self._tail.after(seq, limit)
        if newest is not None:
            return newest
        found = await self._store.read(lambda connection: list(islice(tables.events(connection, seq), limit)))
        return [Queued(number, msgspec.json.decode(body, type=Event)) for number, body in found]

    async def seq_of(self, event_id: str) -> int | None:
        """Place of the event called `event_id`; None when there is none."""
        return await self._store.read(lambda connection: place_of(connection, event_id))

    async def last_seq(self) -> int:
        """Place of the newest event, 0 when there is none."""
        return await self._store.read(lambda connection: last_used(connection, EVENTS))

    async def behind(self, seq: int) -> int:
        """Number of events behind `seq`."""
        return max(0, await self.last_seq() - seq)

    def cursor(self, name: str) -> Cursor:
        """The cursor of the destination called `name`."""
        return StoredCursor(self._store, name)

    def view(self) -> SqliteOutbox:
        """This object: reading costs the same from anywhere."""
        return self

    async def close(self) -> None:
        """Nothing is held open."""
