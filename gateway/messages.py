"""Messages of versions 1 and 2 where several want to know what they say: events, and each forward."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wire.snmp import Message, decode

SHORT: Final = 512  # octets; larger ones would be held for long, with many times their size
REMEMBERED: Final = 1024  # more than is told before the forwards have their turn


def message_of(data: bytes) -> Message:
    """As `wire.snmp.decode`. Raises WireError."""
    return _short(data) if len(data) <= SHORT else decode(data)


_short: Final = lru_cache(maxsize=REMEMBERED)(decode)
