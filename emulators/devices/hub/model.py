"""Network hub: what hangs on it is reached while it has power."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs, plain
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.power import Inlet
from ridethrough.emulators.kernel.world import Port


class Hub:
    """A hub: the devices that it `serves` are reached while it `passes` datagrams."""

    kind = "hub"

    def __init__(self, name: str, serves: tuple[str, ...], load_w: float) -> None:
        self.name = name
        self.serves = serves
        self.inlet = Inlet(name, "inlet")
        self.broken = False
        self.inputs = Inputs(
            {
                "break": plain("the hub breaks", self._break),
                "repair": plain("the hub is exchanged", self._repair),
            }
        )
        self._load_w = load_w

    def _break(self, _now: Instant) -> None:
        self.broken = True

    def _repair(self, _now: Instant) -> None:
        self.broken = False

    @property
    def passes(self) -> bool:
        """True while the hub has power and is not broken."""
        return self.inlet.supply.value.live and not self.broken

    def advance(self, now: Instant) -> None:
        """Nothing happens here by itself."""

    def next_deadline(self) -> Instant | None:
        """Return None: nothing happens here by itself."""
        return None

    def react(self, now: Instant) -> None:
        """Draw the load as long as there is a supply."""
        self.inlet.demand_w.value = self._load_w if self.inlet.supply.value.live else 0.0

    def ports(self) -> Iterable[Port[Any]]:
        """The demand at the inlet."""
        return [self.inlet.demand_w]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return whether the hub works, and the devices behind it."""
        return {"state": "on" if self.passes else "off", "serves": list(self.serves)}
