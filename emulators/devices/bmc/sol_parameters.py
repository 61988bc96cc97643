"""Serial over LAN configuration (IPMI 2.0 table 26-5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.wire.ipmi.message import Privilege

RMCP_PORT = 623
BITS_115200 = 0x0A
ON = b"\x01"


class SolParameter(IntEnum):
    """Numbers of the parameters."""

    SET_IN_PROGRESS = 0
    ENABLE = 1
    AUTHENTICATION = 2
    ACCUMULATE = 3
    RETRY = 4
    BIT_RATE = 5
    VOLATILE_BIT_RATE = 6
    CHANNEL = 7
    PORT = 8


FORCE_ENCRYPTION, FORCE_AUTHENTICATION = 0x80, 0x40
SOL_DEFAULTS: dict[int, bytes] = {
    SolParameter.SET_IN_PROGRESS: b"\0",
    SolParameter.ENABLE: ON,
    SolParameter.AUTHENTICATION: bytes((Privilege.USER,)),
    SolParameter.ACCUMULATE: bytes((12, 96)),  # 60 ms, octets
    SolParameter.RETRY: bytes((7, 48)),  # retries, of 480 ms
    SolParameter.BIT_RATE: bytes((BITS_115200,)),
    SolParameter.VOLATILE_BIT_RATE: bytes((BITS_115200,)),
    SolParameter.CHANNEL: bytes((CHANNEL,)),
    SolParameter.PORT: RMCP_PORT.to_bytes(2, "little"),
}
READ_ONLY_SOL = (SolParameter.CHANNEL, SolParameter.PORT)


def retry_of(kept: Mapping[int, bytes]) -> tuple[int, int]:
    """Retries, and the milliseconds between them."""
    retries, interval = kept.get(SolParameter.RETRY, SOL_DEFAULTS[SolParameter.RETRY])
    return retries & 0x07, interval * 10
