"""Life of a controller: standby power, start, hang, and whether it is on the network.

Losing power, a cold reset and a warm reset all end the sessions; `generation` tells the LAN channel so. A controller
answers when it has power, its start is over, it does not hang and its cable is plugged in.
"""

from __future__ import annotations

from dataclasses import dataclass

from ridethrough.emulators.kernel.instant import START, Instant, after


@dataclass(slots=True)
class Lifecycle:
    """Power, start and reach of one controller, whose life began at `started`. Its start is over at `ready_at`."""

    powered: bool = False
    hung: bool = False
    cut_off: bool = False  # its network cable is pulled
    generation: int = 0  # grows whenever sessions are lost
    started: Instant = START
    ready_at: Instant | None = None
    powered_before: bool = False

    @property
    def acts(self) -> bool:
        """True while it notices events and can do something about them."""
        return self.powered and not self.hung

    @property
    def reachable(self) -> bool:
        """True while anything can leave it for the network."""
        return self.powered and not self.hung and not self.cut_off

    @property
    def state(self) -> str:
        """One word or two for a person: `off`, `starting`, `running`, `hung` or `cut off`."""
        if self.cut_off and self.powered:
            return "cut off"
        if self.hung:
            return "hung"
        if not self.powered:
            return "off"
        return "running" if self.ready_at is None else "starting"

    def gain_power(self, now: Instant, start_s: float) -> None:
        """Standby power is there. The first time, as the emulated world begins, the controller is up already."""
        self.powered = True
        self.started = now
        self.ready_at = after(now, start_s) if self.powered_before else None
        self.powered_before = True

    def lose_power(self) -> None:
        """Standby power is gone, and with it the sessions and whatever made the controller hang."""
        self.powered = self.hung = False
        self.ready_at = None
        self.lose_sessions()

    def restart(self, now: Instant, start_s: float) -> None:
        """Cold reset (IPMI 2.0 section 20.2): the controller starts over, in `start_s` seconds."""
        self.hung = False
        self.started = now
        self.ready_at = after(now, start_s)
        self.lose_sessions()

    def lose_sessions(self) -> None:
        """Every open session is forgotten, as by a warm reset (section 20.3)."""
        self.generation += 1

    def advance(self, now: Instant) -> None:
        """End a start that is over."""
        if self.ready_at is not None and self.ready_at <= now:
            self.ready_at = None
