"""Events of one journal record: their identifiers are its position and their index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ridethrough.gateway.records import Event, Severity, event_id


class EventBatch:
    """Collects the events of one record."""

    def __init__(self, source: str, position: int, at_ms: int) -> None:
        self.events: list[Event] = []
        self.at_ms = at_ms
        self._source = source
        self.position = position
        self._time = f"{_second(at_ms // 1000)}.{at_ms % 1000:03}Z"  # RFC 3339

    def append(
        self,
        event_type: str,
        device: str,
        severity: Severity,
        text: str,
        data: Mapping[str, Any],
        evidence: Mapping[str, Any],
    ) -> str:
        """Add an event after the others. Returns its identifier."""
        identifier = event_id(self.position, len(self.events))
        self.events.append(
            Event(
                id=identifier,
                type=str(event_type),
                source=self._source,
                subject=device,
                time=self._time,
                data={
                    "device": device,
                    "severity": str(severity),
                    "text": text,
                    **data,
                    "evidence": {"position": self.position, **evidence},
                },
            )
        )
        return identifier


@lru_cache(maxsize=64)
def _second(at_s: int) -> str:
    """Date and time down to the second. Cached, since many records share a second."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
