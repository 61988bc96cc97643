"""How arrivals become commits."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.ingest import FULL_BATCH, YIELDS, Ingest, IngestHooks
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.pipeline.standalone import fresh_identity
from ridethrough.gateway.records import Arrival, Record, RecordKind
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import run
from ridethrough.wire.snmp import Kind
from tests.support.sites import octets


def trap(number: int) -> Arrival:
    return Arrival(number, RecordKind.DATAGRAM, octets(number, number, Kind.TRAP_V2), "127.0.0.1:162", "127.0.0.9", 1)


async def commits(groups: list[int]) -> list[int]:
    """The sizes of what is journaled at once, where so many traps come in each turn of the loop."""
    store = Database(None)
    sizes: list[int] = []
    hooks = IngestHooks(lambda *_: None, lambda: None, lambda: None, healed, lambda _full: None)
    ingest = Ingest(Stages(stage_config(Site()), standard_tree()), store, lambda: 0, Metrics(lambda: 0), hooks)
    extend_tail = ingest.journal.extend_tail

    def count(records: list[Record]) -> None:
        sizes.append(len(records))
        extend_tail(records)

    with patch.object(ingest.journal, "extend_tail", count):
        await ingest.start(fresh_identity(lambda: 0))
        for group in groups:
            ingest.accept([trap(number) for number in range(group)])
            await asyncio.sleep(0)
        await ingest.stop()
    assert await ingest.journal.extent() == (sum(groups), sum(groups))
    store.close()
    return sizes


async def healed() -> None:
    raise AssertionError("nothing has failed")


def test_what_comes_while_the_loop_is_busy_is_one_commit() -> None:
    assert run(commits([1] * YIELDS), "max") == [YIELDS]


def test_what_is_enough_waits_for_nothing() -> None:
    assert run(commits([FULL_BATCH, 1]), "max") == [FULL_BATCH, 1]
