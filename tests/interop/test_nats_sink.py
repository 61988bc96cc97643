"""The NATS sink against Debian's nats-server."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nats
import pytest

from ridethrough.gateway.deliver.sinks.base import Delivered, Reject, Retry
from ridethrough.gateway.deliver.sinks.nats import NatsSink
from ridethrough.gateway.records import Event
from tests.support.certificates import Authority
from tests.support.nats import NatsServer, nats_server
from tests.support.sites import Site

Body = Callable[[Any], Awaitable[None]]


def event(number: int, kind: str = "ups.input.lost") -> Event:
    return Event(f"{number}-0", kind, "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"text": "gone", "n": number})


def sink(server: NatsServer, subject: str = "ridethrough.events.{type}", **more: Any) -> NatsSink:
    login = more.pop("login", {})
    tls = more.pop("tls", None)
    return NatsSink(lambda: {"servers": [server.url], **login}, lambda: tls, subject, more.get("body"), 2)


async def stream(server: NatsServer, **more: Any) -> Any:
    connection = await nats.connect(server.url, **more)
    await connection.jetstream().add_stream(name="events", subjects=["ridethrough.events.>"], max_msg_size=5000)
    return connection


async def test_an_event_is_in_the_stream_once(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        connection = await stream(server)
        out = sink(server)
        for _ in range(2):
            assert await out.deliver(event(1)) == Delivered()
        assert await out.deliver(event(2, "power outage.*>")) == Delivered()
        info = await connection.jetstream().stream_info("events")
        assert info.state.messages == 2
        first = await connection.jetstream().get_msg("events", 1)
        assert (first.subject, first.headers["Nats-Msg-Id"]) == ("ridethrough.events.ups.input.lost", "/t 1-0")
        assert json.loads(first.data)["data"]["n"] == 1
        second = await connection.jetstream().get_msg("events", 2)
        assert second.subject == "ridethrough.events.power_outage._"
        await out.close()
        await connection.close()


async def test_a_body_of_its_own(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        connection = await stream(server)
        out = sink(server, "ridethrough.events.{subject}", body={"who": "{subject}", "n": "{data.n}"})
        assert await out.deliver(event(1)) == Delivered()
        message = await connection.jetstream().get_msg("events", 1)
        assert (message.subject, json.loads(message.data)) == ("ridethrough.events.UPS1", {"who": "UPS1", "n": 1})
        await out.close()
        await connection.close()


async def test_what_fails_is_said(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        out = sink(server)
        nowhere = await out.deliver(event(1))
        assert nowhere == Retry("no stream takes ridethrough.events.ups.input.lost")
        connection = await stream(server)
        large = event(2)
        large.data["text"] = "x" * 6000
        refused = await out.deliver(large)
        assert isinstance(refused, Reject), refused
        assert "size" in refused.reason
        await connection.close()
        server.kill()
        gone = await out.deliver(event(3))
        assert isinstance(gone, Retry)
        server.begin()
        async with asyncio.timeout(30):
            while await out.deliver(event(3)) != Delivered():
                await asyncio.sleep(0.05)
        await out.close()


async def test_a_wrong_password_is_no_success(tmp_path: Path) -> None:
    with nats_server(tmp_path, "--user", "gateway", "--pass", "secret-of-the-test") as server:
        out = sink(server, login={"user": "gateway", "password": "wrong"})
        outcome = await out.deliver(event(1))
        assert isinstance(outcome, Retry)
        assert "wrong" not in outcome.reason
        await out.close()
        connection = await stream(server, user="gateway", password="secret-of-the-test")
        out = sink(server, login={"user": "gateway", "password": "secret-of-the-test"})
        assert await out.deliver(event(1)) == Delivered()
        await out.close()
        await connection.close()


async def test_over_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    mine, my_key = authority.issue("client")
    config = f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.file}", verify: true }}'
    with nats_server(tmp_path, config=config) as server:
        known = ssl.create_default_context(cafile=authority.file)
        stranger = sink(server, tls=known)
        assert isinstance(await stranger.deliver(event(1)), Retry)
        await stranger.close()
        known.load_cert_chain(mine, my_key)
        connection = await stream(server, tls=known)
        out = sink(server, tls=known)
        assert await out.deliver(event(1)) == Delivered()
        await out.close()
        await connection.close()
        # nats-py leaves the unsealed half of its stream to the collector, which must come while there is a loop.
        del out, connection, stranger
        gc.collect()


@pytest.mark.timeout(120)
async def test_a_gateway_publishes_through_a_restart_of_the_server(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        connection = await stream(server)
        site = Site(tmp_path, sinks={"bus": {"type": "nats", "login": {"servers": [server.url]}, "timeout_s": 1}})
        try:
            informer = site.informer()
            assert all(informer.inform(number) for number in range(20))
            await asyncio.to_thread(site.until, "bus", delivered=20)
            await connection.close()
            server.kill()
            assert all(informer.inform(number) for number in range(20, 40))
            while not site.destinations()["bus"]["failures"]:
                await asyncio.sleep(0.05)
            server.begin()
            await asyncio.to_thread(site.until, "bus", backlog=0)
            connection = await nats.connect(server.url)
            subscription = await connection.jetstream().pull_subscribe("ridethrough.events.>", "reader")
            messages = await subscription.fetch(100, timeout=5)
            ids = [json.loads(message.data)["id"] for message in messages]
            assert list(dict.fromkeys(ids)) == [f"{number}-0" for number in range(1, 41)]
            assert ids.count("1-0") == 1
            await connection.close()
        finally:
            await asyncio.to_thread(site.close)
