"""The durable record of everything heard."""

from gateway.journal.sqlite import Journal

__all__ = ["Journal"]
