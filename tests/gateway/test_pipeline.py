"""How arrivals become commits."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from ridethrough.gateway.config.site import Site
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.ingest import ENOUGH, TURNS, Hooks, Pipeline
from ridethrough.gateway.pipeline.stages import Thinking
from ridethrough.gateway.pipeline.standalone import fresh_identity
from ridethrough.gateway.records import Arrival, Record, RecordKind
from ridethrough.gateway.storage.sqlite.database import Store
from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import run
from ridethrough.wire.snmp import Kind
from tests.support.sites import octets


def trap(number: int) -> Arrival:
    return Arrival(number, RecordKind.DATAGRAM, octets(number, number, Kind.TRAP_V2), "127.0.0.1:162", "127.0.0.9", 1)


async def commits(groups: list[int]) -> list[int]:
    """The sizes of what is journaled at once, where so many traps come in each turn of the loop."""
    store = Store(None)
    sizes: list[int] = []
    hooks = Hooks(lambda *_: None, lambda: None, lambda: None, healed, lambda _full: None)
    pipeline = Pipeline(Thinking(Site(), standard_tree()), store, lambda: 0, Metrics(lambda: 0), hooks)
    grown = pipeline.journal.grown

    def count(records: list[Record]) -> None:
        sizes.append(len(records))
        grown(records)

    with patch.object(pipeline.journal, "grown", count):
        await pipeline.start(fresh_identity(lambda: 0))
        for group in groups:
            pipeline.hear([trap(number) for number in range(group)])
            await asyncio.sleep(0)
        await pipeline.stop()
    assert await pipeline.journal.extent() == (sum(groups), sum(groups))
    store.close()
    return sizes


async def healed() -> None:
    raise AssertionError("nothing has failed")


def test_what_comes_while_the_loop_is_busy_is_one_commit() -> None:
    assert run(commits([1] * TURNS), "max") == [TURNS]


def test_what_is_enough_waits_for_nothing() -> None:
    assert run(commits([ENOUGH, 1]), "max") == [ENOUGH, 1]
