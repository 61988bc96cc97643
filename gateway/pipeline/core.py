"""What keeps and works off what a gateway hears: one process with a database, or one of several on a JetStream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Open
from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.forward import Forwarder
from ridethrough.gateway.records import Arrival, JournalStatus, Observation, Record
from ridethrough.gateway.storage.interfaces import EventReader


class DeliverySet(NamedTuple):
    """The destinations of one journal, or of one partition of it."""

    dispatcher: Dispatcher
    forwarder: Forwarder


class GatewayCallbacks(NamedTuple):
    """What a core asks of its gateway."""

    send_ack: Callable[[Arrival, bytes], None]  # acknowledge an inform, which is on disk now
    on_events: Callable[[], None]  # there are new events
    set_backpressure: Callable[[bool], None]  # whether listeners should leave datagrams in the kernel's buffers
    observe: Callable[[Observation], None]  # something to be journaled
    watch: Callable[[Iterable[str]], Awaitable[None]]  # the devices that this gateway is to ask, from now on


class PipelineCore(Protocol):
    """Journal, stages, outbox and destinations. Methods that wait raise StoreError."""

    @property
    def events(self) -> EventReader:
        """All events."""

    @property
    def waiting(self) -> int:
        """Arrivals that are not kept yet."""

    @property
    def trouble(self) -> str:
        """Why nothing can be kept, while that is so."""

    def parts(self) -> Sequence[DeliverySet]:
        """The destinations that this gateway serves now."""

    def accept(self, arrivals: Iterable[Arrival]) -> None:
        """Take what arrived."""

    async def reload(self, site: Site) -> None:
        """Go on with rules, monitors, access, sinks and forwards of `site`. Raises SecretError with nothing changed."""

    def conditions(self) -> dict[str, dict[str, Open]]:
        """What is open, by device."""

    async def start(self) -> None:
        """Take up what an earlier run left, and go on."""

    async def stop(self) -> None:
        """Work off what was heard, and close."""

    async def record(self, position: int, partition: int) -> Record | None:
        """What was heard at a position of the journal, or of one partition of it; None when it is gone."""

    async def status(self) -> JournalStatus:
        """How the journal stands, but for the listeners, of which it knows nothing. Raises nothing."""
