"""The watchdog timer (IPMI 2.0 section 27)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from ridethrough.emulators.bindings.chassis import ChassisControl, OsState
from ridethrough.emulators.kernel.instant import Instant, soonest

RUNNING = 0x40
DO_NOT_LOG = 0x80
USES = range(1, 6)
PRE_TIMEOUT_OFFSET = 8
COUNT_MS = 100
SMS_OS = 4


class TimeoutAction(IntEnum):
    """Table 27-6; the values are the offsets of the events, too."""

    NONE = 0
    RESET = 1
    POWER_DOWN = 2
    POWER_CYCLE = 3


CHASSIS: dict[int, ChassisControl] = {
    TimeoutAction.RESET: ChassisControl.HARD_RESET,
    TimeoutAction.POWER_DOWN: ChassisControl.POWER_DOWN,
    TimeoutAction.POWER_CYCLE: ChassisControl.POWER_CYCLE,
}


class Expiry(NamedTuple):
    """An expiry of the timer or its warning: event data 1 and 2, and the action that follows."""

    event_data: tuple[int, int]
    logged: bool
    action: ChassisControl | None
    pre: bool


@dataclass(slots=True)
class Watchdog:
    """Numbers are as the commands carry them."""

    use: int = SMS_OS
    action: int = 0  # pre-timeout interrupt and timeout action
    pre_timeout_s: int = 0
    expired: int = 0  # uses that expired, a bit each
    count: int = 0  # of 100 ms
    set_once: bool = False  # since the last start of the controller
    logs: bool = True
    tended: bool = False  # by the operating system, again and again before it ends
    ends_at: Instant | None = None
    warns_at: Instant | None = None

    def follow(self, os: OsState, seconds: float, now: Instant) -> None:
        """The operating system's own watchdog service: it tends the timer while it runs, and cannot when it hangs."""
        if os is OsState.RUNNING:
            self.configure(SMS_OS, TimeoutAction.RESET, 0, 0, round(seconds * 1000) // COUNT_MS, now)
            self.tended = True
        elif self.tended:
            self.tended = False
            if os is OsState.HUNG:
                self.start(now)

    def configure(self, use: int, action: int, pre_timeout_s: int, clear: int, count: int, now: Instant) -> None:
        """Set Watchdog Timer: stops the timer unless bit 6 of the use says otherwise."""
        self.set_once = True
        self.logs = not use & DO_NOT_LOG
        self.use, self.action, self.pre_timeout_s, self.count = use & 0x07, action & 0x77, pre_timeout_s, count
        self.expired &= ~clear
        if use & RUNNING and self.running:
            self.start(now)
        else:
            self.stop()

    def start(self, now: Instant) -> None:
        """Reset Watchdog Timer: count down from the beginning."""
        if self.tended:
            return
        self.ends_at = Instant(now + self.count * COUNT_MS)
        interrupt = self.action >> 4 & 0x07
        warns_at = Instant(self.ends_at - self.pre_timeout_s * 1000)
        self.warns_at = warns_at if interrupt and self.pre_timeout_s else None

    def stop(self) -> None:
        """Stop the timer without an event."""
        self.ends_at = self.warns_at = None
        self.tended = False

    @property
    def running(self) -> bool:
        """True while the timer counts, or the operating system tends it."""
        return self.tended or self.ends_at is not None

    def left(self, now: Instant) -> int:
        """Present countdown in units of 100 ms, as Get Watchdog Timer returns it; the initial count while stopped."""
        return self.count if self.ends_at is None else max(0, self.ends_at - now) // COUNT_MS

    def advance(self, now: Instant) -> list[Expiry]:
        """The expiries that are due at `now`."""
        expiries: list[Expiry] = []
        interrupt = self.action >> 4 & 0x07
        detail = interrupt << 4 | self.use
        if self.warns_at is not None and self.warns_at <= now:
            self.warns_at = None
            # Interrupt 2 is a diagnostic interrupt of the host.
            nmi = ChassisControl.DIAGNOSTIC_INTERRUPT if interrupt == 2 else None
            expiries.append(Expiry((0xC0 | PRE_TIMEOUT_OFFSET, detail), self.logs, nmi, pre=True))
        if self.ends_at is not None and self.ends_at <= now:
            self.stop()
            self.expired |= 1 << self.use
            action = self.action & 0x07
            expiries.append(Expiry((0xC0 | min(action, 3), detail), self.logs, CHASSIS.get(action), pre=False))
        return expiries

    def next_deadline(self) -> Instant | None:
        """Return the instant at which the timer warns or ends; None while it does not run."""
        return soonest(self.warns_at, self.ends_at)
