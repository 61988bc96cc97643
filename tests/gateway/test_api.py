"""The HTTP interface as a whole: its document against schemathesis, tokens, limits, the audit, TLS, pages."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import aiohttp
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.api.limits import Buckets
from ridethrough.gateway.translate import EventType
from tests.support.certificates import Authority
from tests.support.sites import Site

CONFIG = Path(__file__).parents[1] / "schemathesis.toml"
TOKENS = {"reader": ("read", "reads-only"), "operator": ("operate", "may-operate")}


def tokens() -> dict[str, Any]:
    return {
        name: {"role": role, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for name, (role, text) in TOKENS.items()
    }


def ask(site: Site, path: str, token: str = "", body: Any = None) -> tuple[int, Any, dict[str, str]]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urlopen(Request(f"http://{site.api}{path}", data, headers), timeout=20) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except HTTPError as error:
        return error.code, json.load(error), dict(error.headers)


@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Requests made from the document, good and bad ones; every answer must be one that it announces."""
    devices = {"UPS1": {"kind": "ups", "address": "127.0.0.77", "silence_s": 9999}}
    sinks = {"log": {"type": "file", "path": str(tmp_path / "log")}}
    site = Site(tmp_path, devices=devices, sinks=sinks)
    try:
        assert site.informer().inform(1)
        command = [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--config-file",
                str(CONFIG),
                "run",
                f"http://{site.api}/v1/openapi.json",
            ),
            *(
                "--checks",
                "all",
                "--max-examples",
                "25",
                "--seed",
                "1",
                "--no-color",
                "--phases",
                "examples,coverage,fuzzing",
            ),
            *("--exclude-path", "/v1/events/stream", "--request-timeout", "10"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert site.ask("/healthz") == {"status": "alive"}
    finally:
        site.close()


def test_tokens_roles_and_the_audit(tmp_path: Path) -> None:
    devices = {"UPS1": {"kind": "ups", "address": "127.0.0.77", "silence_s": 9999}}
    site = Site(tmp_path, devices=devices, api={"tokens": tokens()})
    try:
        path, body = "/v1/devices/UPS1/commands", {"command": "output.on", "deadline_s": 1}
        assert ask(site, "/healthz")[0] == 200
        status, problem, headers = ask(site, "/v1/devices")
        assert (status, problem["title"], headers["WWW-Authenticate"]) == (401, "Unauthorized", "Bearer")
        assert ask(site, "/v1/devices", "guessed")[0] == 401
        assert ask(site, "/v1/devices", "reads-only")[0] == 200
        assert ask(site, path, "reads-only", body)[0] == 403
        status, command, _ = ask(site, path, "may-operate", body)
        assert (status, command["by"]) == (202, "operator")
        assert ask(site, "/v1/audit", "reads-only")[0] == 403
        _, page, _ = ask(site, "/v1/audit", "may-operate")
        rows = [(row["actor"], row["method"], row["path"], row["status"]) for row in page["audit"]]
        assert rows == [
            ("nobody", "GET", "/v1/devices", 401),
            ("nobody", "GET", "/v1/devices", 401),
            ("nobody", "POST", path, 403),
            ("operator", "POST", path, 202),
            ("nobody", "GET", "/v1/audit", 403),
        ]
        assert page["audit"][3]["detail"] == f"/v1/commands/{command['id']}"
        assert ask(site, f"/v1/audit?after={page['audit'][2]['number']}&limit=1", "may-operate")[1]["audit"] == [
            page["audit"][3]
        ]
        text = (site.data / "ridethrough.sqlite").read_bytes() + (site.data / "ridethrough.sqlite-wal").read_bytes()
        assert not any(secret.encode() in text for _, secret in TOKENS.values())
    finally:
        site.close()


def test_too_many_requests_and_too_many_wrong_tokens(tmp_path: Path) -> None:
    api = {"tokens": tokens(), "limits": {"per_s": 0.01, "burst": 3}}
    site = Site(tmp_path, api=api)
    try:
        assert [ask(site, "/v1/devices", "reads-only")[0] for _ in range(4)] == [200, 200, 200, 429]
        _, problem, headers = ask(site, "/v1/devices", "reads-only")
        assert (problem["title"], int(headers["Retry-After"]) > 50) == ("Too many requests", True)
        assert ask(site, "/v1/devices", "may-operate")[0] == 200  # another holder has a measure of its own
        assert [ask(site, "/v1/devices", f"guess-{number}")[0] for number in range(11)] == [401] * 10 + [429]
        assert ask(site, "/healthz")[0] == 200
    finally:
        site.close()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 3)), max_size=60))
def test_a_bucket_gives_no_more_than_it_holds(plan: list[tuple[str, float]]) -> None:
    buckets, now, given_at = Buckets(2.0, 3), 0.0, {"a": [], "b": []}  # type: ignore[var-annotated]
    for client, wait in plan:
        now += wait
        if buckets.take(client, now) == 0:
            given_at[client].append(now)
    for times in given_at.values():
        for first in times:
            assert sum(first <= one <= first + 1 for one in times) <= 3 + 2


async def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("gateway")
    mine, my_key = authority.issue("client")
    tls = {"cert_file": str(certificate), "key_file": str(key), "client_ca_file": str(authority.file)}
    site = await asyncio.to_thread(Site, tmp_path, None, (), False, api={"tls": tls})
    known = ssl.create_default_context(cafile=authority.file)
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"https://{site.api}/healthz", ssl=known)
            known.load_cert_chain(mine, my_key)
            async with session.get(f"https://{site.api}/v1/devices", ssl=known) as answer:
                assert await answer.json() == {"devices": []}
    finally:
        await asyncio.to_thread(site.close)


def test_the_events_page_by_page(tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        informer = site.informer()
        assert all(informer.inform(number) for number in range(7))
        seen, after = [], ""
        while page := site.ask(f"/v1/events?limit=3&after={after}"):
            seen += [event["id"] for event in page["events"]]
            if not page["events"]:
                assert page["next"] == after
                break
            after = page["next"]
        assert seen == [f"{number}-0" for number in range(1, 8)]
    finally:
        site.close()


def test_the_document_of_the_events(tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        document = site.ask("/v1/asyncapi.json")
        assert document["asyncapi"] == "3.0.0"
        schema = document["components"]["schemas"]["Event"]
        assert set(schema["properties"]["type"]["examples"]) == {item.value for item in EventType}
        assert site.informer().inform(1)
        for event in site.events():
            jsonschema.validate(event, schema)
        for operation in document["operations"].values():
            for reference in (operation["channel"]["$ref"], operation["messages"][0]["$ref"]):
                found: Any = document
                for part in reference.removeprefix("#/").split("/"):
                    found = found[part]
                while "$ref" in found:
                    part_of, found = found["$ref"], document
                    for part in part_of.removeprefix("#/").split("/"):
                        found = found[part]
                assert found
    finally:
        site.close()


def test_events_are_cloudevents_to_the_sdk(tmp_path: Path) -> None:
    """The official SDK reads what we send."""
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    site = Site(tmp_path)
    try:
        assert site.informer().inform(1)
        (event,) = site.events()
    finally:
        site.close()
    read = JSONFormat().read(CloudEvent, json.dumps(event).encode())
    assert (read.get_id(), read.get_type(), read.get_subject()) == ("1-0", "trap.unknown", "127.0.0.1")
    assert read.get_data() == event["data"]
