"""The durable record of everything heard."""

from ridethrough.gateway.journal.sqlite import Journal

__all__ = ["Journal"]
