"""Messages that are read more than once: to tell them, and again for each forward that converts them."""

from __future__ import annotations

from functools import lru_cache

from wire.snmp.codec import decode
from wire.snmp.values import Message

MOST_READ = 4096  # those that a forward asks for are seldom further back


@lru_cache(maxsize=MOST_READ)
def read_message(data: bytes) -> Message:
    """What `wire.snmp.decode` says. Raises WireError, and that each time."""
    return decode(data)
