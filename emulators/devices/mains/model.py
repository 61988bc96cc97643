"""Mains: a voltage and a frequency that inputs change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs, NoEffectError, numeric, plain
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.power import DEAD, Outlet, Supply
from ridethrough.emulators.kernel.world import Port


class Mains:
    """A feed. `volts` and `hertz` are nominal; inputs move the line away from them and back."""

    kind = "mains"

    def __init__(self, name: str, volts: float, hertz: float) -> None:
        self.name = name
        self.nominal = Supply(volts, hertz)
        self.line = self.nominal
        self._supply = Port(name, "supply", self.line)
        self.outlets: list[Outlet] = []
        self.inputs = Inputs(
            {
                "on": plain("power returns at nominal voltage", self._on),
                "off": plain("power fails", self._off),
                "volts": numeric("line voltage moves to VOLTS", "VOLTS", 0, 1000, self._volts),
                "sag": numeric("line voltage drops to PERCENT of nominal", "PERCENT", 0, 100, self._share),
                "swell": numeric("line voltage rises to PERCENT of nominal", "PERCENT", 100, 200, self._share),
                "noise": plain("the line voltage becomes noisy", self._noise),
                "quiet": plain("the line voltage is no longer noisy", self._quiet),
                "hertz": numeric("line frequency moves to HERTZ", "HERTZ", 1, 400, self._hertz),
            }
        )

    def outlet(self, consumer: str) -> Outlet:
        """A new socket for `consumer`."""
        outlet = Outlet(self.name, consumer, self._supply)
        self.outlets.append(outlet)
        return outlet

    def _on(self, _now: Instant) -> None:
        self.line = self.nominal

    def _off(self, _now: Instant) -> None:
        self.line = DEAD

    def _volts(self, volts: float, _now: Instant) -> None:
        self.line = self.line._replace(volts=volts, hertz=self.line.hertz or self.nominal.hertz) if volts else DEAD

    def _share(self, percent: float, now: Instant) -> None:
        self._volts(self.nominal.volts * percent / 100, now)

    def _noise(self, _now: Instant) -> None:
        if not self.line.live:
            raise NoEffectError(f"{self.name} is off, and has no voltage to be noisy")
        self.line = self.line._replace(noisy=True)

    def _quiet(self, _now: Instant) -> None:
        self.line = self.line._replace(noisy=False)

    def _hertz(self, hertz: float, _now: Instant) -> None:
        self.line = self.line._replace(hertz=hertz)

    def advance(self, now: Instant) -> None:
        """Nothing happens here by itself."""

    def next_deadline(self) -> Instant | None:
        """Return None: only inputs change the line."""
        return None

    def react(self, now: Instant) -> None:
        """Show the line at all sockets."""
        self._supply.value = self.line

    def ports(self) -> Iterable[Port[Any]]:
        """The supply, which all sockets share."""
        return [self._supply]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return voltage, frequency and noise of the line, and the load in watts."""
        return {
            "state": "on" if self.line.live else "off",
            "volts": self.line.volts,
            "hertz": self.line.hertz,
            "noisy": self.line.noisy,
            "load_w": sum(outlet.demand_w.value for outlet in self.outlets),
        }
