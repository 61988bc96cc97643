"""Counters and gauges of the gateway, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from ridethrough.gateway.records import Event
from ridethrough.gateway.status import DestinationStatus, ListenerStatus, StreamStatus


class GaugeValues(NamedTuple):
    """Values that are counted elsewhere, in the rows that the HTTP interface shows."""

    ready: bool
    conditions: Mapping[str, Iterable[str]]
    listeners: Sequence[ListenerStatus]
    destinations: Sequence[StreamStatus | DestinationStatus]


class Metrics:
    """The metrics of one gateway; several can live in a process. `waiting` counts arrivals not yet written."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._datagrams = Counter(
            "ridethrough_datagrams", "Datagrams worked off, by outcome", ["outcome"], registry=self._registry
        )
        # Counted here and added to the counters in `exposition`: a look-up of labels costs more than counting.
        self._outcomes: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._events = Counter("ridethrough_events", "Events, by type", ["type"], registry=self._registry)
        gauge = Gauge("ridethrough_arrivals_waiting", "Arrivals not yet in the journal", registry=self._registry)
        gauge.set_function(lambda: float(waiting()))
        self._ready = self._gauge("ready", "Whether traps are taken and worked off")
        self._open = self._gauge("condition_open", "Conditions that are open", "device", "condition")
        self._received = self._gauge("listener_received", "Datagrams read from a socket", "listener")
        self._dropped = self._gauge("listener_dropped", "Datagrams that the kernel dropped", "listener")
        self._strangers = self._gauge("listener_refused", "Datagrams of networks that may not send", "listener")
        self._of_destinations = (
            (self._gauge("destination_backlog", "What a destination has not taken yet", "destination"), "backlog"),
            (self._gauge("destination_delivered", "What it has taken since the start", "destination"), "delivered"),
            (self._gauge("destination_failures", "Attempts that failed since the start", "destination"), "failures"),
            (self._gauge("destination_given_up", "What it will never take", "destination"), "given_up"),
            (self._gauge("destination_paused", "Whether it is paused", "destination"), "paused"),
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ridethrough_{name}", text, labels, registry=self._registry)

    def count_datagrams(self, outcome: str, count: int = 1) -> None:
        """Count datagrams from which events were derived, by what they were."""
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + count

    def count_suppressed(self, count: int) -> None:
        """Count datagrams of a storm, from which nothing is derived."""
        self.count_datagrams("storm", count)

    def count_failed(self) -> None:
        """Count a record at which the stages raised an exception."""
        self.count_datagrams("failed")

    def count_events(self, events: Iterable[Event]) -> None:
        """Count events that are on disk."""
        for event in events:
            self._types[event.type] = self._types.get(event.type, 0) + 1

    def set_gauges(self, seen: GaugeValues) -> None:
        """Set the gauges to the values of this moment."""
        self._ready.set(seen.ready)
        self._open.clear()
        for device, conditions in seen.conditions.items():
            for condition in conditions:
                self._open.labels(device, condition).set(1)
        for row in seen.listeners:
            self._received.labels(row.listener).set(row.received)
            self._dropped.labels(row.listener).set(row.dropped_by_kernel)
            self._strangers.labels(row.listener).set(row.refused_by_source)
        for status in seen.destinations:
            for gauge, key in self._of_destinations if isinstance(status, DestinationStatus) else ():
                gauge.labels(status.name).set(getattr(status, key))

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        for counter, counts in ((self._datagrams, self._outcomes), (self._events, self._types)):
            for label, count in counts.items():
                counter.labels(label).inc(count)
            counts.clear()
        return generate_latest(self._registry)
