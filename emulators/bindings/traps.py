"""Traps as a device hands them to the network."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.wire.snmp import TrapV1


class OutgoingTrap(NamedTuple):
    """A version 1 trap and how it goes out. `port` None is the trap port of the rig."""

    receiver: str
    port: int | None
    community: bytes
    trap: TrapV1
    version: int = 1  # 1, 2 or 3
    inform: bool = False
    user: bytes = b""  # of version 3
