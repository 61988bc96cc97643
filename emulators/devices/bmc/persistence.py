"""What a controller keeps when it loses power, as JSON, and how it takes that up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ridethrough.emulators.devices.bmc.recovery_hold import Flags

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc


def kept(bmc: Bmc) -> dict[str, Any]:
    """Settings, users, log and inventory."""
    return {
        "users": bmc.users.memory(),
        "log": bmc.log.memory(),
        "lan": bmc.lan.memory(),
        "pef": bmc.pef.memory(),
        "boot": bmc.boot.memory(),
        "link": [int(bmc.link.flags), bmc.link.start_s, bmc.link.end_s, bmc.link.ceiling_s],
        "extras": bmc.extras.memory(),
        "inventory": bmc.inventory.hex(),
        "kg": bmc.kg.hex(),
        "sequence": bmc.events.sequence,
    }


def take_up(bmc: Bmc, memory: dict[str, Any]) -> None:
    """Raises ValueError, KeyError or TypeError."""
    bmc.users.recall(memory["users"])
    bmc.log.recall(memory["log"])
    bmc.lan.recall(memory["lan"])
    bmc.pef.recall(memory["pef"])
    bmc.boot.recall(memory["boot"])
    flags, bmc.link.start_s, bmc.link.end_s, bmc.link.ceiling_s = memory["link"]
    bmc.link.flags = Flags(flags)
    bmc.extras.recall(memory["extras"])
    bmc.inventory = bytes.fromhex(memory["inventory"])
    bmc.kg = bytes.fromhex(memory["kg"])
    bmc.events.sequence = memory["sequence"]
