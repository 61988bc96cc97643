"""Who looks after sinks and forwards, over HTTP: pause, resume, again, what was set aside; TLS; bodies of one's own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from ridethrough.gateway.config.site import Site as Config
from ridethrough.gateway.deliver.sinks.base import Delivered, Retry
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink
from ridethrough.gateway.deliver.sinks.webhook import WebhookSink
from ridethrough.gateway.records import Event
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.certificates import Authority
from tests.support.hook import Hook
from tests.support.sites import Site

EVENT = Event(
    "7-0", "ups.input.lost", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"text": "gone", "severity": "warning"}
)


def test_a_sink_is_paused_resumed_and_told_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    site = Site(tmp_path, sinks={"log": {"type": "file", "path": str(path), "line": "{id} {data.severity}"}})
    try:
        informer = site.informer()
        assert informer.inform(1)
        site.until("log", delivered=1)
        assert site.ask("/v1/destinations/log/pause", method="POST")["paused"] is True
        assert informer.inform(2)
        assert site.ask("/v1/destinations/log")["backlog"] == 1
        site.process.kill()
        site.process.communicate()
        site.begin()
        assert informer.inform(3)
        assert (site.ask("/v1/destinations/log")["paused"], path.read_text()) == (True, "1-0 info\n")
        assert site.ask("/v1/destinations/log/resume", method="POST")["paused"] is False
        site.until("log", backlog=0)
        site.ask("/v1/destinations/log/redeliver", {"after": "1-0"})
        site.until("log", delivered=4)
        assert path.read_text().split("\n")[:-1] == [f"{n}-0 info" for n in (1, 2, 3, 2, 3)]
    finally:
        site.close()


def test_what_was_set_aside_is_shown_and_tried_again(tmp_path: Path) -> None:
    hook = Hook()
    hook.answer = 400
    site = Site(tmp_path, sinks={"ops": {"type": "webhook", "url": hook.url}})
    try:
        informer = site.informer()
        assert all(informer.inform(number) for number in range(3))
        site.until("ops", given_up=3)
        page = site.ask("/v1/destinations/ops/aside?limit=2")
        assert [(row["reason"], row["event"]["id"]) for row in page["aside"]] == [
            ("HTTP 400", "1-0"),
            ("HTTP 400", "2-0"),
        ]
        (last,) = site.ask(f"/v1/destinations/ops/aside?after={page['next']}")["aside"]
        assert last["event"]["id"] == "3-0"
        hook.answer = 200
        site.ask("/v1/destinations/ops/redeliver", {"aside": True})
        site.until("ops", given_up=0, delivered=3)
    finally:
        site.close()
        hook.close()


def test_a_forward_is_paused_and_told_again(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", free_port()))
        manager.settimeout(20)
        site = Site(tmp_path, {"nms": {"to": f"127.0.0.1:{manager.getsockname()[1]}"}})
        try:
            informer = site.informer()
            informer.trap(1)
            first = manager.recv(2000)
            site.until("nms", delivered=1, backlog=0)
            site.ask("/v1/destinations/nms/pause", method="POST")
            informer.trap(2)
            while site.ask("/v1/journal")["records"] < 2:
                pass  # the test's own timeout bounds this
            row = site.ask("/v1/destinations/nms")
            assert (row["paused"], row["backlog"], row["delivered"]) == (True, 1, 1)
            site.ask("/v1/destinations/nms/resume", method="POST")
            second = manager.recv(2000)
            site.until("nms", backlog=0)
            site.ask("/v1/destinations/nms/redeliver", {"after_position": 0})
            assert [manager.recv(2000), manager.recv(2000)] == [first, second]
        finally:
            site.close()


def test_what_destinations_refuse(tmp_path: Path) -> None:
    port = free_port()
    sinks = {"log": {"type": "file", "path": str(tmp_path / "log")}}
    site = Site(tmp_path, {"nms": {"to": f"127.0.0.1:{port}"}}, sinks=sinks)
    again = "/redeliver"
    try:
        for path, body, status, said in (
            ("none/pause", {}, 404, "there is no destination 'none'; known: log, nms"),
            ("stream/pause", {}, 422, "clients of the event stream keep their own place"),
            (f"log{again}", {}, 422, "log takes exactly one of: after, aside"),
            (f"log{again}", {"after": "1-0", "aside": True}, 422, "log takes exactly one of: after, aside"),
            (f"log{again}", {"after": "9-9"}, 404, "there is no event '9-9'"),
            (f"log{again}", {"after_position": 0}, 422, "log takes exactly one of: after, aside"),
            (f"nms{again}", {"after": ""}, 422, "nms takes exactly one of: after_position"),
            (f"nms{again}", {"after_position": 5}, 422, "after_position 5 is no whole number in 0..0"),
            (f"nms{again}", {"position": 5}, 400, "Object contains unknown field `position`"),
            (f"nms{again}", [], 400, "Expected `object`, got `array`"),
        ):
            problem = site.ask(f"/v1/destinations/{path}", body, "POST")
            assert (problem["status"], problem["detail"]) == (status, said)
    finally:
        site.close()


async def test_a_webhook_over_tls_believes_only_its_own_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    served, key = authority.issue("server")
    mine, my_key = authority.issue("client")
    seen: list[Any] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append((request.content_type, await request.json()))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    context.load_cert_chain(served, key)
    context.verify_mode = ssl.CERT_REQUIRED
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/hook"

    def known() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=authority.file)
        made.load_cert_chain(mine, my_key)
        return made

    for tls, part in ((lambda: None, "CERTIFICATE"), (lambda: ssl.create_default_context(cafile=authority.file), "")):
        stranger = WebhookSink(url, None, 5, lambda: 0, None, tls)
        outcome = await stranger.deliver(EVENT)
        assert isinstance(outcome, Retry)
        assert part in outcome.reason
        await stranger.close()
    out = WebhookSink(url, None, 5, lambda: 0, {"text": "{subject}: {data.text}", "level": "{data.severity}"}, known)
    assert await out.deliver(EVENT) == Delivered()
    assert seen == [("application/json", {"text": "UPS1: gone", "level": "warning"})]
    await out.close()
    await runner.cleanup()


async def test_syslog_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("server"))
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int(await reader.readuntil(b" "))
        got.set_result(await reader.readexactly(length))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context)
    place = ("127.0.0.1", server.sockets[0].getsockname()[1])
    stranger = SyslogSink(place, "tls", "daemon")
    refused = await stranger.deliver(EVENT)
    assert isinstance(refused, Retry)
    assert "CERTIFICATE" in refused.reason
    known = SyslogSink(
        place,
        "tls",
        "daemon",
        "{subject} is {data.severity}",
        lambda: ssl.create_default_context(cafile=authority.file),
    )
    assert await known.deliver(EVENT) == Delivered()
    assert (await got).endswith(b"] UPS1 is warning")
    await known.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        ({"type": "webhook", "url": "http://x", "body": {"a": ["{nothing}"]}}, "{nothing} is no field of an event"),
        ({"type": "webhook", "url": "http://x", "types": ["UPS"]}, "String should match pattern"),
        ({"type": "webhook", "url": "http://x", "severity": "grave"}, "'info', 'warning' or 'critical'"),
        ({"type": "syslog", "to": "x:1", "tls": {}}, "tls goes with `transport: tls`"),
        ({"type": "webhook", "url": "https://x", "tls": {"key_file": "k"}}, "key_file goes with cert_file"),
        ({"type": "nats", "login": {"user": "x"}}, "user goes with password_file"),
        ({"type": "nats", "login": {"servers": ["http://x"]}}, "String should match pattern"),
    ],
)
def test_sinks_that_cannot_be_meant(sink: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match="validation error") as caught:
        Config.model_validate({"sinks": {"s": sink}})
    assert said in str(caught.value)


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"ridethrough: sinks.ops.tls: No such file or directory"):
        Site(tmp_path, sinks={"ops": {"type": "webhook", "url": "https://x", "tls": {"ca_file": "/nowhere.pem"}}})


def test_the_verb_that_lists_and_holds_them(tmp_path: Path) -> None:
    site = Site(tmp_path, sinks={"log": {"type": "file", "path": str(tmp_path / "log")}})

    def ridethrough(*words: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ridethrough", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "RIDETHROUGH_URL": f"http://{site.api}"},
        )
        assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    try:
        lines = ridethrough("destinations").splitlines()
        assert lines[0].split() == ["DESTINATION", "TYPE", "STATE", "BACKLOG", "DELIVERED", "ASIDE", "LAST", "ERROR"]
        assert lines[2].split() == ["log", "file", "-", "0", "0", "0", "-"]
        assert "paused" in ridethrough("destinations", "pause", "log")
        assert json.loads(ridethrough("destinations", "--json"))[1]["paused"] is True
        ridethrough("destinations", "resume", "log")
        assert site.ask("/v1/destinations/log")["paused"] is False
        ridethrough("destinations", "retry", "log")
        assert "expected pause, resume, retry and a name" in ridethrough("destinations", "stop", "log", expect=2)
        assert "there is no destination 'x'; known: log" in ridethrough("destinations", "pause", "x", expect=2)
    finally:
        site.close()
