"""The one exception family a decoder may raise."""

from __future__ import annotations


class WireError(ValueError):
    """Octets that break a rule of their protocol.

    `offset` counts from the start of the datagram to the octet that broke `rule`.
    """

    def __init__(self, offset: int, rule: str) -> None:
        super().__init__(f"octet {offset}: {rule}")
        self.offset = offset
        self.rule = rule
