"""The interface of a sink: its keys in a site file, an object that takes events, and the three answers to an event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from ridethrough.gateway.config.base import DeviceId, Strict
from ridethrough.gateway.records import Event, Severity

TYPE_PATTERN = r"^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)$"
EventPattern = Annotated[str, Field(pattern=TYPE_PATTERN)]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination has the event."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The destination may take the event later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """The destination will never take the event."""

    reason: str


Outcome = Delivered | Retry | Reject


class Sink(Protocol):
    """Takes events and raises nothing."""

    @property
    def lanes(self) -> int:
        """Number of events that it takes at once, each of another device."""

    async def deliver(self, event: Event) -> Outcome:
        """Pass an event on, and return what became of it. At most `lanes` calls run at once."""

    async def close(self) -> None:
        """Release connections. Called once, after the last delivery, and before another is built from new keys."""


@runtime_checkable
class Batching(Sink, Protocol):
    """A sink that also takes up to `batch` events at once, all or none of them."""

    batch: int

    async def deliver_all(self, events: Sequence[Event]) -> Outcome:
        """Pass several events on, in their order; the answer is that of all of them."""


class SinkContext(NamedTuple):
    """Things that a sink is built with besides its keys."""

    where: str  # `sinks.NAME`, for messages about its keys
    now_s: Callable[[], int]  # Unix time


class SinkConfig(Strict):
    """Keys that all sinks with a cursor share: which events they get."""

    type: str
    types: tuple[EventPattern, ...] = ()
    """Types of events, `ups.*` for all that begin so; all when empty."""
    devices: tuple[DeviceId, ...] = ()
    """Devices, by name; all when empty."""
    severity: Severity = Severity.INFO
    """The least severity."""

    @abstractmethod
    def build(self, context: SinkContext) -> Sink:
        """The sink that these keys describe; it connects at its first event. Raises SecretError."""
