"""Records and events in the packed rows of the database. All readers raise sqlite3.Error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from ridethrough.gateway.records import Arrival, Event, Record, encode_json, event_place
from ridethrough.gateway.storage.sqlite.packed_rows import insert, pack, rows_after, unpack

JOURNAL, EVENTS = "journal", "events"
_ARRIVALS = msgspec.msgpack.Decoder(list[Arrival])
_BODIES = msgspec.msgpack.Decoder(list[bytes])
# The last place given, as `last_used` finds it, and the newest event's position: one statement, as each costs two turns
# at the interpreter's lock.
_END_OF_EVENTS = f"""SELECT seq, (SELECT mark FROM {EVENTS} ORDER BY last DESC LIMIT 1)
    FROM sqlite_sequence WHERE name = '{EVENTS}'"""  # noqa: S608


class Name(msgspec.Struct):
    """An event, as far as its identifier goes."""

    id: str


_NAME = msgspec.json.Decoder(Name)


# --- records ----------------------------------------------------------------------------------------------------------


def put_records(connection: sqlite3.Connection, first: int, arrivals: Sequence[Arrival]) -> None:
    """Write arrivals at the positions from `first` on."""
    insert(connection, JOURNAL, pack(first, arrivals, [item.at_ms for item in arrivals]))


def records(connection: sqlite3.Connection, after: int) -> Iterator[list[Record]]:
    """The records behind a position in order, a row's at a time."""
    for row in rows_after(connection, JOURNAL, after):
        found = [Record(position, item) for position, item in enumerate(unpack(row, _ARRIVALS), start=row.first)]
        yield found[max(0, after + 1 - row.first) :]


# --- events -----------------------------------------------------------------------------------------------------------


def put_events(connection: sqlite3.Connection, bodies: Sequence[bytes], positions: Sequence[int]) -> range:
    """Write events as JSON, each with its record's position; those of positions that have events already are left out.

    Returns the places of the others, which are the last of them.
    """
    if not bodies:
        return range(0)
    last, stored_to = connection.execute(_END_OF_EVENTS).fetchone() or (0, None)
    if stored_to is not None and positions[0] <= stored_to:
        kept = [index for index, position in enumerate(positions) if position > stored_to]
        bodies, positions = [bodies[index] for index in kept], [positions[index] for index in kept]
    first = last + 1
    insert(connection, EVENTS, pack(first, bodies, positions))
    return range(first, first + len(bodies))


def events(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, bytes]]:
    """Place and JSON of the events behind a place, in order."""
    for row in rows_after(connection, EVENTS, after):
        for seq, body in enumerate(unpack(row, _BODIES), start=row.first):
            if seq > after:
                yield seq, body


def event_at(connection: sqlite3.Connection, seq: int) -> Event | None:
    """The event at a place; None when it is no longer there."""
    found = next(events(connection, seq - 1), None)
    return msgspec.json.decode(found[1], type=Event) if found is not None and found[0] == seq else None


def place_of(connection: sqlite3.Connection, event_id: str) -> int | None:
    """The place of an event; None when there is none of that name."""
    wanted = event_place(event_id)
    if wanted is None:
        return None
    position = wanted[0]
    query = f"SELECT last, items FROM {EVENTS} WHERE mark >= ? ORDER BY mark, last LIMIT 1"  # noqa: S608
    row = connection.execute(query, (position,)).fetchone()
    if row is None:
        return None
    for seq, body in events(connection, row[0] - row[1]):
        found = name_of(body)
        if found == event_id:
            return seq
        if position_of(found) > position:
            break
    return None


def name_of(body: bytes) -> str:
    """An event's identifier."""
    return _NAME.decode(body).id


def position_of(event_id: str) -> int:
    """The position of the record that an event came from; 0 for a foreign identifier."""
    return (event_place(event_id) or (0, 0))[0]


def encoded(added: Sequence[Event]) -> tuple[list[bytes], list[int]]:
    """Events of our own making as JSON, and the positions of their records.

    Their identifiers are those of `event_id` and are not checked again: this is done for every event.
    """
    return [encode_json(event) for event in added], [int(event.id.partition("-")[0]) for event in added]
