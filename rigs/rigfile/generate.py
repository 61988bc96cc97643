"""Rigs of any size, for measurements and for software that has to stand many devices. Pure."""

from __future__ import annotations

from typing import Any

EACH = 250  # addresses of a third octet, without .0 and .255
LARGEST = EACH * EACH
CARD, SERVER, BMC = 16, 32, 48  # second octets, the first of each kind


def address(kind: int, number: int) -> str:
    """The number-th address of a kind, all of them local."""
    return f"127.{kind + number // LARGEST}.{number % LARGEST // EACH}.{number % EACH + 1}"


def generated(ups: int, bmcs: int, profile: str) -> dict[str, Any]:
    """A rig document: UPSs on one mains, and servers with BMCs that hang on them in turn, or on the mains."""
    width = max(4, len(str(max(ups, bmcs))))
    cards = {
        f"UPS{number + 1:0{width}}": {
            "profile": profile,
            "mains": "city",
            "address": address(CARD, number),
            "access": [{"community": "public", "manager": "any", "type": "write+"}],
        }
        for number in range(ups)
    }
    feeds = list(cards) or ["city"]
    servers = {
        f"server{number + 1:0{width}}": {
            "power": [feeds[number % len(feeds)]],
            "address": address(SERVER, number),
            "bmc": {
                "address": address(BMC, number),
                "users": {"admin": {"password": "admin", "privilege": "administrator"}},
            },
        }
        for number in range(bmcs)
    }
    return {
        "rig": f"generated-{ups}-{bmcs}",
        "mains": {"city": {"volts": 100, "hertz": 60}},
        "ups": cards,
        "servers": servers,
        "ports": {"http": "off", "console": "off", "wake": "off"},
    }
