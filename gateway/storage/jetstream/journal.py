"""The journal in a JetStream: several gateways write it, and each part is read by the one that owns it.

Records are spread over partitions, one subject each; a position is the number in the stream, so it is unique over all.
A datagram that two gateways received is there once, within the stream's window for repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ridethrough.gateway.records import Arrival, Record, RecordKind
from ridethrough.gateway.storage.former_name import FORMER_ORIGIN
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, Publication, StreamMessage
from ridethrough.gateway.storage.jetstream.stream_reader import StreamReader


class ArrivalHeader(msgspec.Struct, omit_defaults=True):
    """All of an arrival but its octets; the header of a message."""

    at_ms: int
    kind: RecordKind
    listener: str = ""
    source: str = ""
    port: int = 0


HEADER = "Ridethrough-Origin"


class JetJournal:
    """One partition, to be read. Raises StoreError."""

    def __init__(self, client: JetStreamClient, partition: int | str) -> None:
        self._client = client
        self._reader = StreamReader(client, client.raw_name, client.layout.raw(partition))

    async def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records behind `position`, in order."""
        return [_record(message) for message in await self._reader.after(position, limit)]

    async def extent(self) -> tuple[int, int]:
        """Number of records of all partitions, and the last position."""
        return await self._client.last(self._client.raw_name)

    async def close(self) -> None:
        """Close the consumer."""
        await self._reader.close()


async def append(client: JetStreamClient, arrivals: Sequence[tuple[int, str, Arrival]]) -> None:
    """Write arrivals, each with its partition and its identifier. When this returns, the server has them."""
    await client.publish([_publication(client, *item) for item in arrivals])


def _publication(client: JetStreamClient, partition: int, identifier: str, arrival: Arrival) -> Publication:
    origin = ArrivalHeader(arrival.at_ms, arrival.kind, arrival.listener, arrival.source, arrival.port)
    headers = {HEADER: msgspec.json.encode(origin).decode()}
    return Publication(client.layout.raw(partition), arrival.data, identifier, headers)


def _record(message: StreamMessage) -> Record:
    text = message.headers.get(HEADER) or message.headers[FORMER_ORIGIN]
    origin = msgspec.json.decode(text, type=ArrivalHeader)
    arrival = Arrival(origin.at_ms, origin.kind, message.data, origin.listener, origin.source, origin.port)
    return Record(message.seq, arrival)
