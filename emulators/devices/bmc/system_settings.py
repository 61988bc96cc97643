"""Small settings that managers write into a controller and read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FRONT_PANEL = 0x00
BLOCK = 16


@dataclass(slots=True)
class PowerLimit:
    """DCMI power limit (DCMI 1.5 section 6.6.2)."""

    action: int = 0
    watts: int = 0
    correction_ms: int = 0
    period_s: int = 0
    active: bool = False


@dataclass(slots=True)
class SystemSettings:
    """Settings of one controller. `system` are system info parameters, by number and block."""

    controller_id: str
    asset_tag: bytes = b""
    system: dict[tuple[int, int], bytes] = field(default_factory=dict)
    sol: dict[int, bytes] = field(default_factory=dict)
    limit: PowerLimit = field(default_factory=PowerLimit)
    global_enables: int = 0x08  # system event logging
    front_panel: int = FRONT_PANEL
    cycle_s: int = 5
    utc_offset_min: int = 0x07FF  # unspecified
    booted_from: str = "default"
    acpi: tuple[int, int] | None = None  # as set by somebody; otherwise it follows the server
    datagrams: int = 0

    def dump_state(self) -> dict[str, Any]:
        """The part that survives a loss of power, as JSON."""
        return {
            "controller_id": self.controller_id,
            "asset_tag": self.asset_tag.hex(),
            "system": [[*at, data.hex()] for at, data in self.system.items()],
            "sol": {str(number): data.hex() for number, data in self.sol.items()},
            "cycle_s": self.cycle_s,
            "utc_offset_min": self.utc_offset_min,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned."""
        self.controller_id = state["controller_id"]
        self.asset_tag = bytes.fromhex(state["asset_tag"])
        self.system = {(number, block): bytes.fromhex(text) for number, block, text in state["system"]}
        self.sol = {int(number): bytes.fromhex(text) for number, text in state["sol"].items()}
        self.cycle_s, self.utc_offset_min = state["cycle_s"], state["utc_offset_min"]
