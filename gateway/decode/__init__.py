"""Decodes datagrams and observations to the values of `records.py`."""

from ridethrough.gateway.decode.observation import decode_observation
from ridethrough.gateway.decode.snmp import Decoded, build_ack, decode_datagram
from ridethrough.gateway.decode.usm import TrapUser, UsmReceiver
from ridethrough.gateway.decode.without_time import time_free_key

__all__ = [
    "Decoded",
    "TrapUser",
    "UsmReceiver",
    "build_ack",
    "decode_datagram",
    "decode_observation",
    "time_free_key",
]
