"""The state that a controller keeps when it loses power, as JSON. The keys are those of files on users' disks.

Files of earlier versions lack a key that is added: `load_state` must read it with a default (`state.get`), or those
files are refused.
"""

from __future__ import annotations

from typing import Any

from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.recovery_hold import HoldFlags


def dump_state(bmc: Bmc) -> dict[str, Any]:
    """Settings, users, log and inventory."""
    hold = bmc.hold
    return {
        "users": bmc.users.dump_state(),
        "log": bmc.events.log.dump_state(),
        "lan": bmc.lan.dump_state(),
        "pef": bmc.events.pef.dump_state(),
        "boot": bmc.boot.dump_state(),
        "link": [int(hold.flags), hold.start_s, hold.end_s, hold.ceiling_s],
        "extras": bmc.settings.dump_state(),
        "inventory": bmc.inventory.hex(),
        "kg": bmc.lan.kg.hex(),
        "sequence": bmc.events.sequence,
    }


def load_state(bmc: Bmc, state: dict[str, Any]) -> None:
    """Restore what `dump_state` returned. Raises ValueError, KeyError or TypeError."""
    bmc.users.load_state(state["users"])
    bmc.events.log.load_state(state["log"])
    bmc.lan.load_state(state["lan"])
    bmc.events.pef.load_state(state["pef"])
    bmc.boot.load_state(state["boot"])
    hold = bmc.hold
    flags, hold.start_s, hold.end_s, hold.ceiling_s = state["link"]
    hold.flags = HoldFlags(flags)
    bmc.settings.load_state(state["extras"])
    bmc.inventory = bytes.fromhex(state["inventory"])
    bmc.lan.kg = bytes.fromhex(state["kg"])
    bmc.events.sequence = state["sequence"]
