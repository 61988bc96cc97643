"""Polls that get lost are asked again, sooner the faster a card is; a card is not lost for that."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ridethrough.gateway.config.site import Site
from ridethrough.gateway.devices.rtt import INITIAL_RTO_S, MAX_RTO_S, MIN_RTO_S, TRIES, RttEstimator
from ridethrough.gateway.devices.ups_poll import UpsPoller
from ridethrough.gateway.records import Observation, Silence
from ridethrough.gateway.translate.readings import POLLED
from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import run
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

PORT = free_port()


class Card(asyncio.DatagramProtocol):
    """Answers some of what it hears."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers = answers
        self.heard_s: list[float] = []
        self.askers: set[tuple[str, str]] = set()  # own address, and whose question came there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard_s.append(asyncio.get_running_loop().time())
        self.askers.add((self.transport.get_extra_info("sockname")[0], addr[0]))
        if not self.answers or self.answers.pop(0):
            pdu = decode(data).pdu
            assert isinstance(pdu, Pdu)
            varbinds = tuple(VarBind(bind.oid, Tag.INTEGER, 2) for bind in pdu.varbinds)
            answer = Pdu(Kind.RESPONSE, pdu.request_id, 0, 0, varbinds)
            self.transport.sendto(encode(Message(Version.V1, b"public", answer)), addr)


def poll(answers: list[bool], seconds: float, silence_s: float = 50) -> tuple[Card, list[Observation], float]:
    async def body() -> tuple[Card, list[Observation], float]:
        loop = asyncio.get_running_loop()
        seen: list[Observation] = []
        card = Card(answers)
        transport, _ = await loop.create_datagram_endpoint(lambda: card, local_addr=("127.0.0.1", PORT))
        poller = UpsPoller(standard_tree(), POLLED, (), seen.append)
        poller.add("UPS1", "127.0.0.1", PORT, Version.V1, "public", 8, silence_s)
        begun_s = loop.time()
        poller.watch(["UPS1"])
        await asyncio.sleep(seconds)
        poller.stop()
        transport.close()
        return card, seen, begun_s

    return run(body(), "max")


def test_a_lost_poll_is_asked_again_at_once() -> None:
    card, seen, begun_s = poll([True, False, True, False, False, False, True], 30)
    at = [round(heard - begun_s, 1) for heard in card.heard_s]
    assert at == [0, 8, 8.5, 16, 16.5, 17.5, 24]
    assert len(seen) == 1


def test_a_card_that_loses_half_of_everything_is_not_lost() -> None:
    rng = random.Random(5)
    _, seen, _ = poll([rng.random() < 0.5 for _ in range(2000)], 4000)
    assert not any(isinstance(item, Silence) for item in seen)


def test_a_card_that_is_gone_is_asked_once_an_interval() -> None:
    card, seen, begun_s = poll([True] + [False] * 1000, 400)
    assert [isinstance(item, Silence) for item in seen] == [False, True]
    late = [heard - begun_s for heard in card.heard_s if heard - begun_s > 60]
    assert len(late) == 42  # every 8 s of 340


@given(st.lists(st.tuples(st.floats(0.0001, 10), st.booleans()), max_size=50))
def test_waits_stay_within_bounds(plan: list[tuple[float, bool]]) -> None:
    rtt, now = RttEstimator(), 0.0
    assert rtt.rto_s(now, anew=True) == INITIAL_RTO_S
    for after, answered in plan:
        now += after
        if answered:
            rtt.answered(now)
        wait = rtt.rto_s(now, anew=answered or not rtt.waiting)
        assert MIN_RTO_S <= wait <= MAX_RTO_S
        assert rtt.tries <= TRIES


def test_an_interval_above_what_the_documents_allow() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 8"):
        Site.model_validate({"devices": {"UPS1": {"kind": "ups", "address": "192.0.2.1", "poll_s": 9}}})


def test_a_card_is_asked_from_its_source_only() -> None:
    """One socket for each source; the answer to one counts for its card."""

    async def body() -> tuple[Card, list[Observation]]:
        loop = asyncio.get_running_loop()
        seen: list[Observation] = []
        poller = UpsPoller(standard_tree(), POLLED, (), seen.append)
        cards = Card([]), Card([]), Card([])
        sources = "127.9.1.1", "127.9.1.2", None
        for n, (card, source) in enumerate(zip(cards, sources, strict=True)):
            await loop.create_datagram_endpoint(lambda card=card: card, local_addr=(f"127.9.0.{n}", PORT))  # type: ignore[misc]
            poller.add(f"UPS{n}", f"127.9.0.{n}", PORT, Version.V1, "public", 8, 50, source)
        poller.watch(["UPS0", "UPS1", "UPS2"])
        await asyncio.sleep(20)
        poller.stop()
        for card in cards:
            card.transport.close()
        cards[0].askers.update(*(card.askers for card in cards))
        return cards[0], seen

    card, seen = run(body(), "max")
    assert card.askers == {
        ("127.9.0.0", "127.9.1.1"),
        ("127.9.0.1", "127.9.1.2"),
        ("127.9.0.2", "127.0.0.1"),
    }
    assert [type(item).__name__ for item in seen] == ["Readings"] * 3


def test_many_cards_are_spread_over_the_interval() -> None:
    async def body() -> list[float]:
        loop = asyncio.get_running_loop()
        heard: list[float] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as cards:
            cards.bind(("0.0.0.0", PORT))
            cards.setblocking(False)
            loop.add_reader(cards, lambda: heard.append(loop.time()) if cards.recv(2000) else None)
            poller = UpsPoller(standard_tree(), POLLED, (), lambda _seen: None)
            for n in range(200):
                poller.add(f"UPS{n}", f"127.8.0.{n + 1}", PORT, Version.V1, "public", 8, 1000)
            begun_s = loop.time()
            poller.watch([f"UPS{n}" for n in range(200)])
            await asyncio.sleep(7.95)
            poller.stop()
            loop.remove_reader(cards)
        return [at - begun_s for at in heard]

    first = run(body(), "max")
    assert max(first) > 7
    assert sum(at < 4 for at in first) < len(first) * 0.6
