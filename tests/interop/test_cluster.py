"""Two gateways on one JetStream, in processes of their own, with Debian's nats-server between them."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import nats
import pytest

from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind
from tests.support.nats import NatsServer, nats_server
from tests.support.sites import Site, octets

PARTITIONS = 4
DEVICES = {
    f"UPS{n}": {"kind": "ups", "address": f"127.0.7.{n}", "silence_s": 99999, "confirm_s": 2} for n in range(1, 9)
}


def member(server: NatsServer, folder: Path, name: str, **more: Any) -> Site:
    (folder / name).mkdir()
    journal = {"jetstream": {"login": {"servers": [server.url]}, "partitions": PARTITIONS}}
    return Site(folder / name, journal=journal, devices=DEVICES, **more)


@contextmanager
def pair(folder: Path, **more: Any) -> Iterator[tuple[NatsServer, Site, Site]]:
    with nats_server(folder) as server:
        one = member(server, folder, "one", **more)
        other = member(server, folder, "other", **more)
        try:
            shared(one, other)
            yield server, one, other
        finally:
            for site in (one, other):
                site.close()


def owned(site: Site) -> set[int]:
    return set(site.ask("/v1/journal")["owned"])


def shared(one: Site, other: Site) -> None:
    """Until each owns its half."""
    while not (
        len(owned(one)) == len(owned(other)) == PARTITIONS // 2 and owned(one) | owned(other) == set(range(PARTITIONS))
    ):
        pass  # the test's own timeout bounds this


def row(site: Site) -> dict[str, Any]:
    """A busy server may not answer the gateway in time, which then says 503, and is asked again."""
    while (found := site.ask("/v1/destinations/log")).get("status") == 503:
        pass  # the test's own timeout bounds this
    assert "paused" in found, found
    return dict(found)


def delivered(path: Path) -> list[dict[str, Any]]:
    """Whole lines; the last one may be half written at this moment."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def numbers(events: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in events:
        if event["type"] == "trap.unknown":
            found.setdefault(event["subject"], []).append(event["data"]["evidence"]["variables"][0]["value"])
    return found


def test_both_receive_and_both_work_and_events_are_the_same_at_either(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with pair(tmp_path, sinks={"log": {"type": "file", "path": str(path)}}) as (_, one, other):
        for n in range(1, 9):
            for number, site in enumerate((one, other)):
                assert site.informer(f"127.0.7.{n}").inform(100 * n + number)
        while sum(len(found) for found in numbers(delivered(path)).values()) < 16:
            pass  # the test's own timeout bounds this
        assert numbers(delivered(path)) == {f"UPS{n}": [100 * n, 100 * n + 1] for n in range(1, 9)}
        assert [event["id"] for event in one.events()] == [event["id"] for event in other.events()]
        last = one.events()[-3]["id"]
        assert one.ask(f"/v1/events?after={last}") == other.ask(f"/v1/events?after={last}")
        assert one.ask("/v1/events?after=1-99")["status"] == 404
        ids = [event["id"] for event in delivered(path)]
        assert len(ids) == len(set(ids)) == 16


def test_what_both_hear_is_told_once(tmp_path: Path) -> None:
    """A card has two trap receivers: the copies differ in the request's identifier alone, or not at all."""
    with pair(tmp_path) as (_, one, other):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
            card.bind(("127.0.7.1", 0))
            for number in range(1, 21):
                for site, request_id in ((one, number), (other, 70_000 + number)):
                    card.sendto(octets(number, request_id, Kind.TRAP_V2), ("127.0.0.1", site.trap))
        last = one.informer("127.0.7.1")
        assert last.inform(99)
        while 99 not in numbers(one.events()).get("UPS1", []):
            pass  # the test's own timeout bounds this
        found = numbers(one.events())["UPS1"]
        assert sorted(found) == [*range(1, 21), 99]


def test_conditions_and_outages_go_on_at_the_other_gateway(tmp_path: Path) -> None:
    """The owner dies after the mains failed and before the outage is confirmed."""
    from ridethrough.mibs import Oid

    with pair(tmp_path) as (_, one, other):
        for n in range(1, 9):
            assert one.informer(f"127.0.7.{n}", Oid.parse("1.3.6.1.4.1.318.0.5")).inform(n)
        while len(other.events("ups.input.lost")) < 8:
            pass  # the test's own timeout bounds this
        one.process.kill()
        one.process.communicate()
        while len(other.events("power.outage.confirmed")) < 8:
            pass
        assert owned(other) == set(range(PARTITIONS))
        open_now = {(row["device"], row["condition"]) for row in other.ask("/v1/conditions")["conditions"]}
        assert open_now >= {(f"UPS{n}", kind) for n in range(1, 9) for kind in ("input", "outage")}
        confirmed = [event["subject"] for event in other.events("power.outage.confirmed")]
        assert sorted(confirmed) == sorted(DEVICES)  # once each


@pytest.mark.timeout(240)
def test_one_is_killed_under_load_and_the_other_goes_on_within_five_seconds(tmp_path: Path) -> None:
    """Every inform that was acknowledged is delivered, in order for each device, and nothing twice but with its id."""
    path = tmp_path / "events.jsonl"
    with pair(tmp_path, sinks={"log": {"type": "file", "path": str(path)}}) as (_, one, other):
        sources = [f"127.0.7.{n}" for n in range(1, 9)]
        killed_at: list[float] = []
        counter = itertools.count()

        def send(source: str) -> list[int]:
            """As a device with two receivers: the second gets what the first did not acknowledge."""
            first, second = one.informer(source), other.informer(source)
            acknowledged = []
            for number in range(150):
                if next(counter) == 500:
                    killed_at.append(time.monotonic())
                    one.process.kill()
                if first.inform(number, 0.3) or second.inform(number, 5):
                    acknowledged.append(number)
            return acknowledged

        with ThreadPoolExecutor(len(sources)) as pool:
            taken = dict(zip(DEVICES, pool.map(send, sources), strict=True))
        one.process.communicate()
        assert all(len(found) == 150 for found in taken.values())
        # What was heard after the kill, of partitions that the dead one owned, is told soon.
        while owned(other) != set(range(PARTITIONS)):
            assert time.monotonic() - killed_at[0] < 60
        for device, found in taken.items():
            while not set(found) <= set(numbers(delivered(path)).get(device, [])):
                pass  # the test's own timeout bounds this
        for device, told in numbers(delivered(path)).items():
            first_seen = list(dict.fromkeys(told))
            assert first_seen == sorted(first_seen), device
        by_id: dict[str, list[dict[str, Any]]] = {}
        for event in delivered(path):
            by_id.setdefault(event["id"], []).append(event)
        assert all(all(copy == copies[0] for copy in copies) for copies in by_id.values())


def test_failover_takes_less_than_five_seconds(tmp_path: Path) -> None:
    with pair(tmp_path) as (_, one, other):
        theirs = owned(one)
        one.process.kill()
        begun = time.monotonic()
        one.process.communicate()
        while not theirs <= owned(other):
            assert time.monotonic() - begun < 30
        took_s = time.monotonic() - begun
        assert took_s < 5, took_s
        for n in range(1, 9):
            assert other.informer(f"127.0.7.{n}").inform(n)
        while len(numbers(other.events())) < 8:
            pass  # the test's own timeout bounds this


def test_a_gateway_that_leaves_in_order_hands_over_at_once(tmp_path: Path) -> None:
    with pair(tmp_path) as (server, one, other):
        one.close()
        while owned(other) != set(range(PARTITIONS)):
            pass  # the test's own timeout bounds this
        again = member(server, tmp_path, "again")
        try:
            shared(other, again)
        finally:
            again.close()


@pytest.mark.timeout(180)
def test_the_server_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Meanwhile informs are not acknowledged, the gateway says why, and afterwards everything goes on."""
    with pair(tmp_path) as (server, one, other):
        informer = one.informer("127.0.7.1")
        assert informer.inform(1)
        server.kill()
        assert not informer.inform(2, 3)
        while not one.ask("/v1/journal")["trouble"]:
            pass  # the test's own timeout bounds this
        with urlopen(f"http://{one.api}/healthz", timeout=20) as answer:
            assert answer.status == 200
        assert one.ask("/readyz")["status"] == "starting"
        server.begin()
        while not informer.inform(3, 2):
            pass
        while one.ask("/readyz")["status"] != "ready":
            pass
        shared(one, other)
        limit = time.monotonic() + 60
        while not {1, 2, 3} <= set(seen := numbers(other.events()).get("UPS1", [])):  # 2 waited in memory
            if time.monotonic() > limit:
                told = {site.api: (site.ask("/v1/journal"), site.ask("/v1/events?last=50")) for site in (one, other)}
                pytest.fail(f"seen {seen}: {json.dumps(told)}", pytrace=False)


def test_sinks_are_held_and_looked_after_at_either_gateway(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", port))
        manager.settimeout(20)
        sinks = {"log": {"type": "file", "path": str(path)}}
        with pair(tmp_path, sinks=sinks, forwards={"nms": {"to": f"127.0.0.1:{port}", "as": "v2c"}}) as (_, one, other):
            one.ask("/v1/destinations/log/pause", method="POST")
            while not row(other)["paused"]:
                pass  # the test's own timeout bounds this
            for n in range(1, 9):
                assert other.informer(f"127.0.7.{n}").inform(n)
            forwarded = [manager.recv(4000) for _ in range(8)]
            assert len(set(forwarded)) == 8
            while row(one)["backlog"] + row(other)["backlog"] < 8:
                pass
            assert delivered(path) == []
            other.ask("/v1/destinations/log/resume", method="POST")
            while len(delivered(path)) < 8:
                pass
            assert sorted(numbers(delivered(path))) == sorted(DEVICES)


def test_what_was_heard_is_shown_by_either_gateway(tmp_path: Path) -> None:
    with pair(tmp_path) as (_, one, other):
        assert one.informer("127.0.7.1").inform(7)
        for site in (one, other):
            answers = [site.ask(f"/v1/journal/1?partition={number}") for number in range(PARTITIONS + 1)]
            (record,) = [answer for answer in answers if answer.get("kind") == "datagram"]
            assert record["source"] == "127.0.7.1"
            assert "7" in {field["value"] for field in record["fields"]}
            assert answers[-1]["status"] == 404


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    journal = {"jetstream": {"login": {"servers": [f"nats://127.0.0.1:{free_port()}"]}}}
    with pytest.raises(AssertionError, match="ridethrough: JetStream ridethrough: "):
        Site(tmp_path / "one", journal=journal)


def test_streams_of_the_former_name_are_gone_on_with_or_left_but_never_passed_over(tmp_path: Path) -> None:
    def site(folder: str, **more: Any) -> Site:
        (tmp_path / folder).mkdir()
        jetstream = {"login": {"servers": [server.url]}, "partitions": PARTITIONS, **more}
        return Site(tmp_path / folder, journal={"jetstream": jetstream}, devices=DEVICES)

    with nats_server(tmp_path) as server:
        old = site("old", prefix="standin")
        assert old.informer("127.0.7.1").inform(1)
        while not old.events("trap.unknown"):
            pass  # the test's own timeout bounds this
        old.close()
        said_under_the_former_name(server, 2)
        with pytest.raises(AssertionError) as refused:
            site("unsaid")
        (line,) = [line for line in str(refused.value).splitlines() if line.startswith("ridethrough: ")]
        assert "`prefix: standin` goes on with it" in line
        again = site("again", prefix="standin")
        assert again.informer("127.0.7.1").inform(3)
        while [event["data"]["evidence"]["variables"][0]["value"] for event in again.events("trap.unknown")] != [
            1,
            2,
            3,
        ]:
            pass
        answers = [again.ask(f"/v1/journal/1?partition={number}") for number in range(PARTITIONS)]
        assert [answer["source"] for answer in answers if answer.get("kind") == "datagram"] == ["127.0.7.1"]
        again.close()
        afresh = site("afresh", prefix="ridethrough")
        assert afresh.events("trap.unknown") == []
        afresh.close()
        site("unsaid, with streams of its own").close()


def said_under_the_former_name(server: NatsServer, number: int) -> None:
    """A record as a gateway of the former name wrote it."""

    async def work() -> None:
        connection = await nats.connect(server.url)
        stream = connection.jetstream()
        found = await stream.get_msg("standin-raw", seq=1)
        headers = {"Standin-Origin": (found.headers or {})["Ridethrough-Origin"]}
        await stream.publish(str(found.subject), octets(number, number), headers=headers)
        await connection.close()

    asyncio.run(work())
