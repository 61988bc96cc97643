"""From datagrams to values."""

from gateway.decode.snmp import Decoded, decode_datagram
from gateway.decode.observation import decode_observation

__all__ = ["Decoded", "decode_datagram", "decode_observation"]
