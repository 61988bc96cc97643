"""From datagrams to values."""

from gateway.decode.observation import decode_observation
from gateway.decode.snmp import Decoded, decode_datagram

__all__ = ["Decoded", "decode_datagram", "decode_observation"]
