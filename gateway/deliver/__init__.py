"""The durable outbox and the sinks that empty it."""

from ridethrough.gateway.deliver.dispatcher import Dispatcher
from ridethrough.gateway.storage.sqlite.outbox import Outbox

__all__ = ["Dispatcher", "Outbox"]
