"""kill -9 of a gateway again and again while informs and traps pour in, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nats
from nats.js.api import AckPolicy, ConsumerConfig

from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind, Pdu, decode, encode
from tests.support.hook import Hook
from tests.support.nats import nats_server
from tests.support.sites import UNKNOWN, Site

SOURCES = 6
PATIENCE_S = 0.5
FEWEST, MOST = 50, 250  # informs acknowledged before a kill
LIFE_S = 60  # in which a gateway must have acknowledged so many


class Outcome(NamedTuple):
    """Numbers of a campaign: informs acknowledged, notifications sent, repeats seen by each destination."""

    acknowledged: int
    sent: int
    repeats: dict[str, int]


class Manager:
    """Takes informs over UDP, acknowledges each, and remembers their numbers by the device that they name."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", free_port()))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.seen: list[tuple[str, int]] = []
        self._ending = False
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        while not self._ending:
            try:
                data, peer = self.socket.recvfrom(65535)
            except TimeoutError:
                continue
            message = decode(data)
            if isinstance(message.pdu, Pdu):
                values = {bind.oid: bind.value for bind in message.pdu.varbinds}
                number = values[UNKNOWN.child(1)]
                address = next(value for oid, value in values.items() if str(oid) == "1.3.6.1.6.3.18.1.3.0")
                assert isinstance(number, int)
                assert isinstance(address, bytes)
                self.seen.append((".".join(map(str, address)), number))
                self.socket.sendto(encode(message._replace(pdu=message.pdu._replace(kind=Kind.RESPONSE))), peer)

    def close(self) -> None:
        self._ending = True
        self._thread.join()
        self.socket.close()


def campaign(folder: Path, kills: int, seed: int, tell: Callable[[str], None] = lambda _text: None) -> Outcome:
    """Run it. Raises AssertionError where a promise is broken."""
    rng = random.Random(seed)
    hook, batches, manager = Hook(), Hook(), Manager()
    with nats_server(folder) as server:
        asyncio.run(_stream(server.url))
        site = Site(
            folder,
            {"nms": {"to": f"127.0.0.1:{manager.port}", "as": "v2c", "inform": True}},
            sinks={
                "hook": {"type": "webhook", "url": hook.url},
                "batches": {"type": "webhook", "url": batches.url, "batch": 50},
                "bus": {"type": "nats", "login": {"servers": [server.url]}},
            },
            correlate={"storms": None},  # every one is to be told
        )
        ending = threading.Event()
        progress = threading.Condition()
        acknowledged: dict[str, list[int]] = {}
        sent = [0]

        def send(source: str) -> None:
            informer, mine = site.informer(source), acknowledged.setdefault(source, [])
            number = 0
            while not ending.is_set():
                number += 1
                sent[0] += 1
                if number % 3 == 0:
                    informer.trap(number)
                elif informer.inform(number, PATIENCE_S):
                    with progress:
                        mine.append(number)
                        progress.notify()

        threads = [threading.Thread(target=send, args=(f"127.0.9.{n + 1}",), daemon=True) for n in range(SOURCES)]
        for thread in threads:
            thread.start()

        def told() -> int:
            return sum(map(len, acknowledged.values()))

        def reached(number: int) -> Callable[[], bool]:
            return lambda: told() >= number

        for kill in range(kills):
            enough = told() + rng.randrange(FEWEST, MOST)
            with progress:
                in_time = progress.wait_for(reached(enough), LIFE_S)
            assert in_time, f"{told()} of {enough} informs acknowledged in {LIFE_S} s"
            time.sleep(rng.uniform(0, 0.2))  # the moment is what is varied
            site.process.kill()
            site.process.communicate()
            site.begin()
            tell(f"kill {kill + 1} of {kills}: {told()} informs acknowledged")
        ending.set()
        for thread in threads:
            thread.join()
        for name in ("hook", "batches", "bus", "nms"):
            site.until(name, backlog=0)
        rows = site.destinations()
        assert not any(rows[name]["given_up"] for name in ("hook", "batches", "bus", "nms"))
        events = asyncio.run(_events(server.url))
        site.close()
    hook.close()
    batches.close()
    manager.close()
    repeats = {
        "webhook": _told("webhook", hook.events, acknowledged),
        "webhook in batches": _told("webhook in batches", batches.events, acknowledged),
        "jetstream": _told("jetstream", events, acknowledged),
        "forward": _heard(manager.seen, acknowledged),
    }
    return Outcome(told(), sent[0], repeats)


def _told(name: str, events: list[dict[str, Any]], acknowledged: dict[str, list[int]]) -> int:
    """Nothing acknowledged is missing, each device's are in order, and what comes twice has the same id and contents."""
    known: dict[str, dict[str, Any]] = {}
    repeats = 0
    order: list[tuple[str, int]] = []
    for event in events:
        if event["id"] in known:
            assert event == known[event["id"]], f"{name}: two events with the id {event['id']}"
            repeats += 1
            continue
        known[event["id"]] = event
        if event["type"] == "trap.unknown":
            order.append((event["subject"], event["data"]["evidence"]["variables"][0]["value"]))
    _complete(name, order, acknowledged)
    return repeats


def _heard(seen: list[tuple[str, int]], acknowledged: dict[str, list[int]]) -> int:
    first = list(dict.fromkeys(seen))
    _complete("forward", first, acknowledged)
    return len(seen) - len(first)


def _complete(name: str, order: list[tuple[str, int]], acknowledged: dict[str, list[int]]) -> None:
    for source, mine in acknowledged.items():
        numbers = [number for device, number in order if device == source]
        lost = set(mine) - set(numbers)
        assert not lost, f"{name}: acknowledged and lost: {source} {sorted(lost)[:5]}"
        # A number that a device said twice, as its first telling was not acknowledged, is two events.
        first = list(dict.fromkeys(numbers))
        assert first == sorted(first), f"{name}: out of order: {source}"


async def _stream(url: str) -> None:
    connection = await nats.connect(url)
    await connection.jetstream().add_stream(name="events", subjects=["ridethrough.events.>"])
    await connection.close()


async def _events(url: str) -> list[dict[str, Any]]:
    connection = await nats.connect(url)
    stream = connection.jetstream()
    total = (await stream.stream_info("events")).state.messages
    config = ConsumerConfig(ack_policy=AckPolicy.NONE)
    subscription = await stream.pull_subscribe("ridethrough.events.>", config=config)
    found: list[dict[str, Any]] = []
    while len(found) < total:
        found += [json.loads(message.data) for message in await subscription.fetch(500, timeout=10)]
    await connection.close()
    return found
