"""From datagrams to values."""

from gateway.decode.observation import decode_observation
from gateway.decode.snmp import Decoded, decode_datagram
from gateway.decode.usm import TrapUser, UsmReceiver

__all__ = ["Decoded", "TrapUser", "UsmReceiver", "decode_datagram", "decode_observation"]
