"""The durable outbox and the sinks that empty it."""

from ridethrough.gateway.deliver.dispatcher import Dispatcher
from ridethrough.gateway.deliver.outbox import Outbox

__all__ = ["Dispatcher", "Outbox"]
