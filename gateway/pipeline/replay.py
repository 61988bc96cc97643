"""Derives events again from raw records, as a changed rule would, or to check those of an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import EngineIdentity, Event, Record
from ridethrough.mibs import MibTree

NO_ENGINE = EngineIdentity(b"\x80\x00\x7e\xd9\x05", 1, 0)


def replay(site: Site, tree: MibTree, records: Iterable[Record], engine: bytes | None) -> Iterator[tuple[int, Event]]:
    """Each event that `records` give, with its record's position, from an empty state.

    `engine` is the gateway's own SNMP engine, as its database keeps it. Raises SecretError.
    """
    stages = Stages(stage_config(site), tree)
    stages.set_engine(msgspec.json.decode(engine, type=EngineIdentity) if engine else NO_ENGINE)
    for record in records:
        for event in _events(stages, record):
            yield record.position, event


def _events(stages: Stages, record: Record) -> Sequence[Event]:
    """The events of a record; as in a running gateway, one that trips a rule has none and stops nothing."""
    try:
        return stages.process((record,)).events
    except Exception:
        return []
