"""The interface of the two cores: one process with a database, and one of several gateways on a JetStream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Open
from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.forward import Forwarder
from ridethrough.gateway.records import Arrival, Observation, Record
from ridethrough.gateway.status import JournalStatus
from ridethrough.gateway.storage.interfaces import EventReader


class DeliverySet(NamedTuple):
    """The destinations of one journal, or of one partition of it."""

    dispatcher: Dispatcher
    forwarder: Forwarder


class GatewayCallbacks(NamedTuple):
    """Callbacks of a core."""

    send_ack: Callable[[Arrival, bytes], None]  # acknowledge an inform; its record and events are durable now
    on_events: Callable[[], None]  # there are new events
    set_backpressure: Callable[[bool], None]  # whether listeners should leave datagrams in the kernel's buffers
    observe: Callable[[Observation], None]  # to be journaled
    watch: Callable[[Iterable[str]], Awaitable[None]]  # the devices that this gateway polls from now on


class PipelineCore(Protocol):
    """Journal, stages, outbox and destinations. Methods that wait raise StoreError."""

    @property
    def events(self) -> EventReader:
        """All events."""

    @property
    def waiting(self) -> int:
        """Number of arrivals that are not written yet."""

    @property
    def write_error(self) -> str:
        """The reason for which nothing can be written; empty when it can."""

    def parts(self) -> Sequence[DeliverySet]:
        """The destinations that this gateway serves now."""

    def accept(self, arrivals: Iterable[Arrival]) -> None:
        """Queue arrivals for the journal; returns at once."""

    async def reload(self, site: Site) -> None:
        """Go on with rules, monitors, access, sinks and forwards of `site`. Raises SecretError with nothing changed."""

    def conditions(self) -> dict[str, dict[str, Open]]:
        """Open conditions by device."""

    async def start(self) -> None:
        """Load what an earlier run left, and begin to work."""

    async def stop(self) -> None:
        """Write what was accepted, and close."""

    async def record(self, position: int, partition: int) -> Record | None:
        """A record by its position, or by partition and position; None when it is gone."""

    async def status(self) -> JournalStatus:
        """Extent and state of the journal, without listeners, which are not the core's. Raises nothing."""
