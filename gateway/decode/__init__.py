"""From datagrams to values."""

from gateway.decode.observation import decode_observation
from gateway.decode.snmp import Decoded, acknowledged, decode_datagram
from gateway.decode.timeless import timeless
from gateway.decode.usm import TrapUser, UsmReceiver

__all__ = [
    "Decoded",
    "TrapUser",
    "UsmReceiver",
    "acknowledged",
    "decode_datagram",
    "decode_observation",
    "timeless",
]
