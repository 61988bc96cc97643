"""Disk array: dead, spinning up, ready."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.emulators.kernel.power import Inlet
from ridethrough.emulators.kernel.world import Port


class Disk:
    """Ready `spin_up_s` after its supply comes on; already spinning when the world begins."""

    kind = "disk"

    def __init__(self, name: str, spin_up_s: float, load_w: float, feeds: int = 1) -> None:
        """`feeds` are its power supplies: a redundant one goes on while one of them is live."""
        self.name = name
        labels = ["inlet", *(f"inlet{at}" for at in range(2, feeds + 1))]
        self.inlets = [Inlet(name, label) for label in labels]
        self.ready = Port(name, "ready", False)
        self.inputs = Inputs({})
        self._spin_up_s = spin_up_s
        self._load_w = load_w
        self._ready_at: Instant | None = None
        self._first_reaction = True

    def advance(self, now: Instant) -> None:
        """End the spin-up when it is time."""
        if self._ready_at is not None and self._ready_at <= now:
            self._ready_at = None
            self.ready.value = True

    def next_deadline(self) -> Instant | None:
        """Return the end of the spin-up; None while none is under way."""
        return self._ready_at

    def react(self, now: Instant) -> None:
        """Follow the supply: without it, off at once; with it, ready after the spin-up."""
        lit = [inlet.supply.value.live for inlet in self.inlets]
        for inlet, is_live in zip(self.inlets, lit, strict=True):
            inlet.demand_w.value = self._load_w / sum(lit) if is_live else 0.0
        live = any(lit)
        if live and self._first_reaction:
            self._first_reaction = False
            self.ready.value = True
        elif not live:
            self.ready.value = False
            self._ready_at = None
        elif not self.ready.value and self._ready_at is None:
            self._ready_at = after(now, self._spin_up_s)

    def ports(self) -> Iterable[Port[Any]]:
        """The level `ready` and the demand at the inlets."""
        return [self.ready, *(inlet.demand_w for inlet in self.inlets)]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state, one of `ready`, `spinning-up` and `off`, and the load in watts."""
        state = "ready" if self.ready.value else "spinning-up" if self._ready_at is not None else "off"
        return {"state": state, "load_w": sum(inlet.demand_w.value for inlet in self.inlets)}
