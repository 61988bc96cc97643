"""The durable outbox and the sinks that empty it."""

from gateway.deliver.dispatcher import Dispatcher
from gateway.deliver.outbox import Outbox

__all__ = ["Dispatcher", "Outbox"]
