"""The power that a server takes, as its controller counts it: hours, and watts with extremes and average."""

from __future__ import annotations

from dataclasses import dataclass

from ridethrough.emulators.bindings.chassis import HostState
from ridethrough.emulators.kernel.instant import START, Instant

HOUR_MS = 3_600_000


@dataclass(slots=True)
class PowerMeter:
    """Counts of one server. `since` is when the present load began; sums are over the time since the meter started."""

    watts: float = 0.0
    powered: bool = False
    since: Instant = START
    began: Instant = START
    lowest: float = 0.0
    highest: float = 0.0
    watt_ms: float = 0.0
    on_ms: int = 0
    started: bool = False

    def sample(self, host: HostState, now: Instant) -> None:
        """Count with the load and power state of a server from now on."""
        if not self.started:
            self.started = True
            self.began = self.since = now
            self.lowest = self.highest = host.load_w
        self._add(now)
        self.watts, self.powered = host.load_w, host.powered
        self.lowest, self.highest = min(self.lowest, self.watts), max(self.highest, self.watts)

    def average(self, now: Instant) -> float:
        """Watts over the whole time."""
        self._add(now)
        return self.watt_ms / (now - self.began) if now > self.began else self.watts

    def hours(self, now: Instant) -> int:
        """Whole hours with power on."""
        self._add(now)
        return self.on_ms // HOUR_MS

    def _add(self, now: Instant) -> None:
        elapsed = now - self.since
        self.watt_ms += self.watts * elapsed
        self.on_ms += elapsed if self.powered else 0
        self.since = now
