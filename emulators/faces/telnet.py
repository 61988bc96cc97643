"""The part of telnet (RFC 854, RFC 857, RFC 858) that a menu needs: option replies taken out of what is typed."""

from __future__ import annotations

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
ECHO, SUPPRESS_GO_AHEAD = 1, 3
# The server echoes and sends at any time, so that a client hands over key by key.
GREETING = bytes((IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD))


class TelnetFilter:
    """Separates typed octets from commands, which may be cut anywhere between packets."""

    def __init__(self) -> None:
        self._state = 0  # 0: data, 1: after IAC, 2: option follows, 3: inside a subnegotiation, 4: IAC inside one

    def typed(self, data: bytes) -> bytes:
        """The octets of `data` that a person typed."""
        keys = bytearray()
        for octet in data:
            match self._state:
                case 0 if octet == IAC:
                    self._state = 1
                case 0:
                    if octet:  # a bare carriage return is followed by NUL
                        keys.append(octet)
                case 1:
                    self._state = 2 if octet in (DO, DONT, WILL, WONT) else 3 if octet == SB else 0
                    if octet == IAC:
                        keys.append(octet)
                case 2:
                    self._state = 0
                case 3 if octet == IAC:
                    self._state = 4
                case 4:
                    self._state = 0 if octet == SE else 3
        return bytes(keys)
