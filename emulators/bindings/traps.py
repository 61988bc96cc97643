"""Traps as a device hands them to the network."""

from __future__ import annotations

from typing import NamedTuple

from wire.snmp import TrapV1


class OutgoingTrap(NamedTuple):
    """A version 1 trap and where it goes. `port` None is the trap port of the rig."""

    receiver: str
    port: int | None
    community: bytes
    trap: TrapV1
