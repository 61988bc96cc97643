"""System boot options (IPMI 2.0 section 28.12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ridethrough.emulators.kernel.instant import Instant, after

FLAGS, CLEARING, ACKNOWLEDGE, INITIATOR, MAILBOX = 5, 3, 4, 6, 7
IN_PROGRESS = 0
VALID, PERSISTENT = 0x80, 0x40
KEEP_AFTER_TIMEOUT = 0x08
TIMEOUT_S = 60.0
MAILBOX_BLOCKS = 5
LENGTHS: dict[int, int] = {IN_PROGRESS: 1, 1: 1, 2: 1, CLEARING: 1, ACKNOWLEDGE: 2, FLAGS: 5, INITIATOR: 9}
# Table 28-14, bits 5:2 of the second octet of the boot flags.
DEVICES: dict[int, str] = {
    0: "none",
    1: "pxe",
    2: "disk",
    3: "safe",
    4: "diagnostic",
    5: "cdrom",
    6: "setup",
    8: "remote-cdrom",
    11: "remote-disk",
    15: "floppy",
}


@dataclass(slots=True)
class BootOptions:
    """`values` as the commands carry them."""

    values: dict[int, bytes] = field(default_factory=lambda: {number: bytes(size) for number, size in LENGTHS.items()})
    mailbox: dict[int, bytes] = field(default_factory=dict)
    invalid: set[int] = field(default_factory=set)
    lapses_at: Instant | None = None

    def set(self, parameter: int, data: bytes, now: Instant) -> bool:
        """Write a parameter; False for data that it cannot have."""
        if parameter == MAILBOX:
            if not data or data[0] >= MAILBOX_BLOCKS or len(data) > 17:
                return False
            self.mailbox[data[0]] = data[1:].ljust(16, b"\0")
            return True
        if len(data) != LENGTHS[parameter]:
            return False
        self.values[parameter] = data
        if parameter == FLAGS and data[0] & VALID:
            keeps = self.values[CLEARING][0] & KEEP_AFTER_TIMEOUT
            self.lapses_at = None if keeps or data[0] & PERSISTENT else after(now, TIMEOUT_S)
        return True

    def get(self, parameter: int, selector: int) -> bytes:
        """The data of a parameter; `selector` is the block of the mailbox."""
        if parameter == MAILBOX:
            return bytes((selector,)) + self.mailbox.get(selector, bytes(16))
        return self.values[parameter]

    @property
    def device(self) -> str:
        """The device that the next start boots from, `default` when nothing is asked for."""
        flags = self.values[FLAGS]
        if not flags[0] & VALID:
            return "default"
        return DEVICES.get(flags[1] >> 2 & 0x0F, "default")

    def consume(self) -> str:
        """The system starts: what from; asked for once, it holds once."""
        device = self.device
        if not self.values[FLAGS][0] & PERSISTENT:
            self._expire()
        return device

    def advance(self, now: Instant) -> None:
        """End boot flags that nobody used in time."""
        if self.lapses_at is not None and self.lapses_at <= now:
            self._expire()

    def _expire(self) -> None:
        flags = self.values[FLAGS]
        self.values[FLAGS] = bytes((flags[0] & ~VALID & 0xFF,)) + flags[1:]
        self.lapses_at = None

    def dump_state(self) -> dict[str, Any]:
        """The part that survives a loss of power, as JSON."""
        return {str(number): data.hex() for number, data in self.values.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned."""
        self.values |= {int(number): bytes.fromhex(text) for number, text in state.items()}
