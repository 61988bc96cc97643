"""Wake-on-LAN: the magic packet of AMD's white paper 20213, and the SecureOn password that may stand behind it."""

from __future__ import annotations

import re
from typing import NamedTuple

from ridethrough.wire.errors import WireError

SYNC = b"\xff" * 6
TIMES = 16
MAC = 6
PASSWORDS = (0, 4, 6)  # octets a password may have
SHAPE = re.compile(r"[0-9A-Fa-f]{2}([:-]?)(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")


class Wake(NamedTuple):
    """Whom a packet wakes, and the password it shows; empty when it has none."""

    mac: bytes
    password: bytes = b""


def mac_address(text: str) -> bytes:
    """The six octets of `00:11:22:aa:bb:cc`, with colons, hyphens or neither. Raises ValueError."""
    if not SHAPE.fullmatch(text):
        raise ValueError(f"{text!r}: expected a MAC address such as 00:11:22:aa:bb:cc")
    return bytes.fromhex(re.sub("[:-]", "", text))


def encode(wake: Wake) -> bytes:
    """The payload of a datagram to any port. Raises ValueError."""
    if len(wake.mac) != MAC or len(wake.password) not in PASSWORDS:
        raise ValueError("a MAC address has 6 octets, a SecureOn password 4 or 6")
    return SYNC + wake.mac * TIMES + wake.password


def decode(data: bytes) -> Wake:
    """Whom a payload wakes: the pattern may stand anywhere in it. Raises WireError."""
    at = data.find(SYNC)
    while at >= 0:
        mac = data[at + 6 : at + 12]
        end = at + 6 + MAC * TIMES
        if len(mac) == MAC and data[at + 6 : end] == mac * TIMES:
            rest = data[end:]
            return Wake(mac, rest if len(rest) in PASSWORDS else b"")
        at = data.find(SYNC, at + 1)
    raise WireError(0, "no magic packet")
