"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from gateway.records import Event, Notification, Refused


class Metrics:
    """One for each gateway, so that several can live in a process. `waiting` counts arrivals not yet written."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._datagrams = Counter(
            "standin_datagrams", "Datagrams worked off, by outcome", ["outcome"], registry=self._registry
        )
        # A look among labels costs more than counting.
        self._outcomes: dict[str, Counter] = {}
        self._types: dict[str, Counter] = {}
        self._events = Counter("standin_events", "Events, by type", ["type"], registry=self._registry)
        gauge = Gauge("standin_arrivals_waiting", "Arrivals not yet in the journal", registry=self._registry)
        gauge.set_function(lambda: float(waiting()))

    def decoded(self, value: object) -> None:
        """A datagram was worked off."""
        self._count(_outcome(value))

    def _count(self, outcome: str, count: int = 1) -> None:
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._datagrams.labels(outcome)
        counter.inc(count)

    def held(self, count: int) -> None:
        """Datagrams of a storm were kept and not told."""
        self._count("storm", count)

    def failed(self) -> None:
        """A record tripped a rule."""
        self._count("failed")

    def told(self, events: Iterable[Event]) -> None:
        """Events are on disk."""
        for event in events:
            counter = self._types.get(event.type)
            if counter is None:
                counter = self._types[event.type] = self._events.labels(event.type)
            counter.inc()

    def text(self) -> bytes:
        """The text format."""
        return generate_latest(self._registry)


def _outcome(value: object) -> str:
    if isinstance(value, Notification):
        return "notification"
    return f"refused_{value.reason}" if isinstance(value, Refused) else "undecodable"
