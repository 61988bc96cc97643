"""Forwards and sinks, and what carries events and notifications to each of them."""

from ridethrough.gateway.deliver.dispatcher import Dispatcher

__all__ = ["Dispatcher"]
