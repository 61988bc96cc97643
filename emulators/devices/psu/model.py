"""Power supply: from an outlet to direct current for a server and its BMC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs, plain
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.power import Inlet
from ridethrough.emulators.kernel.world import Port

LOWEST_VOLTS = 80.0  # wide-range supplies regulate down to about 80 V
STANDBY_W = 8.0


class Psu:
    """`dc` shows whether the rails are up; `share_w` is what the server asks of this supply."""

    kind = "psu"

    def __init__(self, name: str) -> None:
        self.name = name
        self.inlet = Inlet(name, "inlet")
        self.dc = Port(name, "dc", False)
        self.share_w = Port(name, "share", 0.0)
        self.failed = False
        self.inputs = Inputs(
            {
                "fail": plain("the supply breaks", self._fail),
                "repair": plain("the supply is exchanged", self._repair),
            }
        )

    def _fail(self, _now: Instant) -> None:
        self.failed = True

    def _repair(self, _now: Instant) -> None:
        self.failed = False

    def advance(self, now: Instant) -> None:
        """Nothing happens here by itself."""

    def next_deadline(self) -> Instant | None:
        """Return None: only levels and inputs change a supply."""
        return None

    def react(self, now: Instant) -> None:
        """Show direct current from 80 V on, unless broken, and draw what the server asks for."""
        self.dc.value = self.inlet.supply.value.volts >= LOWEST_VOLTS and not self.failed
        self.inlet.demand_w.value = STANDBY_W + self.share_w.value if self.dc.value else 0.0

    def ports(self) -> Iterable[Port[Any]]:
        """The level `dc` and the demand at the inlet."""
        return [self.dc, self.inlet.demand_w]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state, one of `on`, `off` and `failed`, with input voltage and load in watts."""
        state = "failed" if self.failed else "on" if self.dc.value else "off"
        return {"state": state, "volts": self.inlet.supply.value.volts, "load_w": self.inlet.demand_w.value}
