"""Sinks against real servers and files; the dispatcher with sinks that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from ridethrough.gateway.deliver.convert import Converted, ForwardFormat
from ridethrough.gateway.deliver.forward_target import ForwardTarget
from ridethrough.gateway.deliver.sinks.base import Delivered, Reject, Retry
from ridethrough.gateway.deliver.sinks.file import FileSink
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink, read_secret, sign
from ridethrough.gateway.records import Event
from ridethrough.rigs.clock import run
from ridethrough.wire.snmp import Kind, Message, Pdu, Version, encode


def event(number: int) -> Event:
    return Event(f"{number}-0", "t", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"n": number})


async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], body: Callable[[str], Awaitable[None]]
) -> None:
    application = web.Application()
    application.router.add_post("/hook", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        await body(f"http://127.0.0.1:{port}/hook")
    finally:
        await runner.cleanup()


def test_the_published_signature_of_standard_webhooks() -> None:
    # The example of the Standard Webhooks libraries.
    secret = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == (
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "done"),
        (204, "done"),
        (302, "again"),
        (400, "never"),
        (404, "never"),
        (410, "never"),
        (408, "again"),
        (429, "again"),
        (500, "again"),
        (503, "again"),
    ],
)
def test_what_a_webhook_makes_of_each_answer(status: int, outcome: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async def body(url: str) -> None:
        sink = WebhookSink(url, None, 5, lambda: 0)
        result = await sink.deliver(event(1))
        await sink.close()
        assert {Delivered: "done", Reject: "never", Retry: "again"}[type(result)] == outcome

    run(serving(handler, body), 1)


def test_what_a_webhook_sends() -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(({key.lower(): value for key, value in request.headers.items()}, await request.read()))
        return web.Response()

    async def body(url: str) -> None:
        sink = WebhookSink(url, b"key", 5, lambda: 1_700_000_000)
        assert await sink.deliver(event(3)) == Delivered()
        await sink.close()

    run(serving(handler, body), 1)
    headers, content = seen[0]
    assert headers["content-type"] == "application/cloudevents+json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("3-0", "1700000000")
    assert headers["webhook-signature"] == "v1," + sign(b"key", "3-0", "1700000000", content)
    assert json.loads(content)["data"] == {"n": 3}


def test_what_a_webhook_sends_in_batches() -> None:
    seen: list[tuple[str, str, bytes, str]] = []

    async def handler(request: web.Request) -> web.Response:
        content, headers = await request.read(), request.headers
        names = ("Content-Type", "webhook-id", "webhook-signature")
        kind, name, signature = (headers[key] for key in names)
        seen.append((kind, name, content, signature))
        return web.Response()

    async def body(url: str) -> None:
        for document in (None, {"number": "{data.n}"}):
            sink = WebhookSink(url, b"key", 5, lambda: 1_700_000_000, document, batch=9)
            assert await sink.deliver_all([event(3), event(4), event(6)]) == Delivered()
            assert await sink.deliver(event(7)) == Delivered()
            await sink.close()

    run(serving(handler, body), 1)
    for _, name, content, signature in seen:
        assert signature == "v1," + sign(b"key", name, "1700000000", content)
    assert [name for _, name, _, _ in seen] == ["3-0..6-0", "7-0"] * 2
    assert [kind for kind, _, _, _ in seen] == 2 * ["application/cloudevents-batch+json"] + 2 * ["application/json"]
    several, alone, others, other = [json.loads(content) for _, _, content, _ in seen]
    assert [[item["id"] for item in told] for told in (several, alone)] == [["3-0", "4-0", "6-0"], ["7-0"]]
    assert (others, other) == ([{"number": 3}, {"number": 4}, {"number": 6}], [{"number": 7}])


def test_a_webhook_nobody_answers_is_tried_again() -> None:
    async def body() -> None:
        sink = WebhookSink("http://127.0.0.1:9/hook", None, 1, lambda: 0)
        result = await sink.deliver(event(1))
        await sink.close()
        assert isinstance(result, Retry)
        assert "127.0.0.1" in result.reason

    run(body(), 1)


def test_a_file_gets_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"

    async def body() -> None:
        sink = FileSink(path)
        assert await sink.deliver(event(1)) == Delivered()
        assert await sink.deliver(event(2)) == Delivered()
        assert isinstance(await FileSink(tmp_path).deliver(event(3)), Retry)  # a folder: cannot be written now

    run(body(), 1)
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["1-0", "2-0"]


async def test_one_acknowledgement_is_not_two() -> None:
    """Two senders may choose the same request identifier; each inform is told until its own answer comes."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", 0))
        manager.setblocking(False)
        destination = ForwardTarget("127.0.0.1", manager.getsockname()[1], ForwardFormat())
        await destination.open()
        answer = encode(Message(Version.V2C, b"public", Pdu(Kind.RESPONSE, 7, 0, 0, ())))
        told = [asyncio.create_task(destination.send(Converted(octets, 7))) for octets in (b"first", b"second")]
        octets, peer = await loop.sock_recvfrom(manager, 100)
        assert octets == b"first"
        await loop.sock_sendto(manager, answer, peer)
        assert await told[0]
        octets, peer = await loop.sock_recvfrom(manager, 100)
        assert (octets, told[1].done()) == (b"second", False)
        await loop.sock_sendto(manager, answer, peer)
        assert await told[1]
        destination.close()
