"""The protocol between the HTTP interface and the gateway behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple, Protocol

from ridethrough.gateway.records import Audit, Command, Event, Redelivery
from ridethrough.gateway.status import (
    ConditionStatus,
    DestinationStatus,
    DeviceStatus,
    JournalStatus,
    RecordStatus,
    StreamStatus,
)
from ridethrough.gateway.storage.interfaces import DeadLetter


class Refusal(Exception):
    """A request that cannot be met: an HTTP status, and one line that says what is accepted."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Reloaded(NamedTuple):
    """The number of rules after a reload, and the keys of the file whose change needs a restart."""

    rules: int
    need_restart: list[str]


class DestinationsBackend(Protocol):
    """Sinks and forwards. All raise Refusal 404 for a name that is none."""

    async def statuses(self) -> list[StreamStatus | DestinationStatus]:
        """Status of every destination."""

    async def status(self, name: str) -> DestinationStatus:
        """Status of one destination."""

    async def pause(self, name: str) -> None:
        """Deliver nothing to a destination until `resume`, over restarts, too."""

    async def resume(self, name: str) -> None:
        """Go on delivering, at once."""

    async def redeliver(self, name: str, wanted: Redelivery) -> None:
        """Deliver again. Raises Refusal 422 for a wish that this kind of destination does not take."""

    async def dead_letters(self, name: str, after: str, limit: int) -> list[DeadLetter]:
        """Events that a sink has rejected for ever, with the reasons, behind the one called `after`."""


class Backend(Protocol):
    """The running gateway."""

    def devices(self) -> list[DeviceStatus]:
        """All devices, in the order of the site file."""

    def device(self, name: str) -> DeviceStatus:
        """One device. Raises Refusal 404."""

    async def submit(
        self, device: str, command: str, params: dict[str, Any], key: str, deadline_s: float, by: str
    ) -> tuple[Command, bool]:
        """Accept a command; the second value tells whether it is new. Raises Refusal 404, 409 and 422."""

    async def command(self, command_id: str) -> Command:
        """One command. Raises Refusal 404."""

    async def commands_of(self, device: str, after: str, limit: int) -> list[Command]:
        """Commands of a device behind the one called `after`, oldest first. Raises Refusal 404."""

    async def events(self, after: str, limit: int) -> list[Event]:
        """Events behind the one called `after`; from the first when it is empty. Raises Refusal 404."""

    async def last_events(self, count: int) -> list[Event]:
        """The newest `count` events, oldest first."""

    def follow(self, after: str | None) -> AsyncIterator[Event]:
        """As `events`, and then each new one; only new ones when `after` is None."""

    async def reload(self) -> Reloaded:
        """Read the site's file again. Raises Refusal 409 and 422, and everything stays as it was."""

    def conditions(self) -> list[ConditionStatus]:
        """Open conditions of all devices."""

    @property
    def destinations(self) -> DestinationsBackend:
        """Sinks and forwards."""

    async def audit(self, after: int, limit: int) -> list[tuple[int, Audit]]:
        """Entries behind the one so numbered, with their numbers."""

    def event_types(self) -> Iterable[str]:
        """Types of the gateway's own events."""

    async def journal(self) -> JournalStatus:
        """Status of the journal and of the listeners."""

    async def record(self, position: int, partition: int) -> RecordStatus:
        """The record at a position of the journal, field by field. Raises Refusal 404."""

    def ready(self) -> bool:
        """True while datagrams are received and can be stored."""

    def streams_full(self) -> bool:
        """True when no further client may follow the events."""

    async def metrics(self) -> bytes:
        """Counters and gauges in the text format of Prometheus."""
