"""Observations of the links, as the journal keeps them."""

from __future__ import annotations

import msgspec

from ridethrough.gateway.records import Observation


def decode_observation(data: bytes) -> Observation:
    """Read one back. Raises msgspec.DecodeError for octets that no link wrote."""
    return msgspec.json.decode(data, type=Observation)
