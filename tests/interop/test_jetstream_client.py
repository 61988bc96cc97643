"""Reading a JetStream when its answers, its consumers or itself are lost, against Debian's nats-server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest

from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.jetstream.client import (
    JetStreamClient,
    Layout,
    Publication,
    StreamMessage,
)
from ridethrough.gateway.storage.jetstream.stream_reader import StreamReader
from tests.support.nats import NatsServer, nats_server

STREAM, SUBJECT = "t-raw", "t.raw.1"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    with nats_server(tmp_path) as found:
        yield found


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[JetStreamClient]:
    made = JetStreamClient(lambda: {"servers": [server.url]}, lambda: None, Layout("t", 4, 1, 60.0))
    await made.start()
    yield made
    await made.stop()


async def written(client: JetStreamClient, *words: str) -> None:
    await client.publish([Publication(SUBJECT, word.encode(), word) for word in words])


async def read(reader: StreamReader, at: int, limit: int = 10) -> list[StreamMessage]:
    """What comes in the end, however often trouble is told."""
    while True:
        try:
            if found := await reader.after(at, limit):
                return found
        except StoreError:
            continue


async def consumer(server: NatsServer) -> str:
    connection = await nats.connect(server.url)
    (info,) = await connection.jetstream().consumers_info(STREAM)
    await connection.close()
    return str(info.name)


async def test_a_consumer_that_is_gone_is_noticed(server: NatsServer, client: JetStreamClient) -> None:
    reader = StreamReader(client, STREAM, SUBJECT)
    await written(client, "one")
    assert [item.data for item in await reader.after(0, 10)] == [b"one"]
    connection = await nats.connect(server.url)
    await connection.jetstream().delete_consumer(STREAM, await consumer(server))
    await connection.close()
    await written(client, "two")
    # The first is what nats-server 2.9 says, the second how nats-py puts the bare 503 of 2.10.
    with pytest.raises(StoreError, match=r"consumer not found|ServiceUnavailableError"):
        await reader.after(1, 10)
    assert [item.data for item in await reader.after(1, 10)] == [b"two"]


async def test_a_server_that_comes_back_has_forgotten_its_consumers(
    server: NatsServer, client: JetStreamClient
) -> None:
    reader = StreamReader(client, STREAM, SUBJECT)
    await written(client, "one")
    assert [item.data for item in await reader.after(0, 10)] == [b"one"]
    server.kill()
    server.begin()
    while True:
        try:
            await written(client, "two")
            break
        except StoreError:
            continue
    assert [item.data for item in await read(reader, 1)] == [b"two"]


@pytest.mark.parametrize("later", [(), ("four",)], ids=["the last ones", "with more behind them"])
async def test_what_was_sent_to_nobody_is_read_again(
    server: NatsServer, client: JetStreamClient, later: tuple[str, ...]
) -> None:
    """As when the connection breaks between the server's sending and our reading."""
    reader = StreamReader(client, STREAM, SUBJECT)
    await written(client, "one")
    assert [item.data for item in await reader.after(0, 10)] == [b"one"]
    await written(client, "two", "three")
    thief = await nats.connect(server.url)
    caught = await thief.subscribe(inbox := thief.new_inbox())
    request = json.dumps({"batch": 2, "no_wait": True}).encode()
    await thief.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{await consumer(server)}", request, reply=inbox)
    assert [(await caught.next_msg(5)).data for _ in range(2)] == [b"two", b"three"]
    await thief.close()
    await written(client, *later)
    with pytest.raises(StoreError, match="lost on their way"):
        await reader.after(1, 10)
    assert [item.data.decode() for item in await read(reader, 1)] == ["two", "three", *later]


async def test_nothing_new_is_no_trouble(client: JetStreamClient) -> None:
    reader = StreamReader(client, STREAM, SUBJECT)
    assert await reader.after(0, 10) == []
    await written(client, "one", "two", "three")
    assert [item.data for item in await reader.after(0, 2)] == [b"one", b"two"]
    assert [item.data for item in await reader.after(2, 2)] == [b"three"]
    assert await reader.after(3, 2) == []
    assert [item.data for item in await reader.after(1, 10)] == [b"two", b"three"]


async def test_a_lease_that_is_renewed_while_it_is_listed_counts_once(
    server: NatsServer, client: JetStreamClient
) -> None:
    """Else a gateway takes itself for several, and hands over what is its own."""
    assert await client.lease("node.one", "one")
    ended = asyncio.Event()

    async def renew() -> None:
        other = JetStreamClient(lambda: {"servers": [server.url]}, lambda: None, client.layout)
        await other.start()
        while not ended.is_set():
            await other.lease("node.one", "one")
        await other.stop()

    renewing = asyncio.create_task(renew())
    found = [await client.leased("node.") for _ in range(300)]
    ended.set()
    await renewing
    assert all(names == ["node.one"] for names in found)
    await client.release("node.one")
    assert await client.leased("node.") == []
