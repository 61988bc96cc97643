"""I-UPS (003 section 1.6): its controller orders by the serial line, and its switch decides whether it obeys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs, NoEffectError, choice, plain
from ridethrough.emulators.kernel.instant import Instant, after, soonest
from ridethrough.emulators.kernel.power import DEAD, Inlet, Outlet
from ridethrough.emulators.kernel.world import Port


class IntelligentUps:
    """In LOCAL the outlets stay on whatever the controller orders; its order is carried out when AUTO returns."""

    kind = "intelligent_ups"

    def __init__(self, name: str, *, hold_s: float, off_delay_s: float, lan_board: bool, line_board: bool) -> None:
        self.name = name
        self.inlet = Inlet(name, "inlet")
        self.outlets: list[Outlet] = []
        self.automatic = True
        self.line_signal = True
        self.client_calls = 0  # packets of clients that the LAN board received
        self.lan_board = lan_board
        self.line_board = line_board
        self._wanted = True
        self._good = self.inlet.supply.value  # the supply as it last was, which the battery carries on
        self._hold_s = hold_s
        self._off_delay_s = off_delay_s
        self._off_at: Instant | None = None
        self._empty_at: Instant | None = None
        self._empty = False
        self.inputs = Inputs(
            {
                "switch": choice("the switch is set", "POSITION", ["auto", "local"], self._switch),
                "off": plain("its controller orders the outlets off", self._order_off),
                "on": plain("its controller orders the outlets on", self._order_on),
                "line": choice("the V.24 line signal changes", "SIGNAL", ["on", "off"], self._line),
                "call": plain("a client calls over the LAN board", self._call),
            }
        )

    def outlet(self, consumer: str) -> Outlet:
        """A new socket for `consumer`."""
        outlet = Outlet(self.name, consumer)
        outlet.supply.value = self.inlet.supply.value
        self.outlets.append(outlet)
        return outlet

    def _switch(self, position: str, _now: Instant) -> None:
        self.automatic = position == "auto"

    def _order_off(self, now: Instant) -> None:
        self._off_at = after(now, self._off_delay_s)

    def _order_on(self, _now: Instant) -> None:
        self._off_at, self._wanted = None, True

    def _line(self, signal: str, _now: Instant) -> None:
        if not self.line_board:
            raise NoEffectError(f"{self.name} has no board for the V.24 line")
        self.line_signal = signal == "on"

    def _call(self, _now: Instant) -> None:
        if not self.lan_board:
            raise NoEffectError(f"{self.name} has no LAN board")
        self.client_calls += 1

    @property
    def output_on(self) -> bool:
        """True while the outlets carry voltage: unless ordered off in AUTO, or empty."""
        return (self._wanted or not self.automatic) and not self._empty

    def advance(self, now: Instant) -> None:
        """Carry out the order to switch off when its delay is over; go dark when the battery is empty."""
        if self._off_at is not None and self._off_at <= now:
            self._off_at, self._wanted = None, False
        if self._empty_at is not None and self._empty_at <= now:
            self._empty_at, self._empty = None, True

    def react(self, now: Instant) -> None:
        """Follow the input: begin to discharge when it goes, be full when it is back."""
        live = self.inlet.supply.value.live
        if live:
            self._empty_at, self._empty = None, False
        elif self._empty_at is None and not self._empty:
            self._empty_at = after(now, self._hold_s)
        if live:
            self._good = self.inlet.supply.value
        for outlet in self.outlets:
            outlet.supply.value = self._good if self.output_on else DEAD
        self.inlet.demand_w.value = sum(outlet.demand_w.value for outlet in self.outlets) if live else 0.0

    def next_deadline(self) -> Instant | None:
        """Return the instant at which `advance` must be called next; None for never."""
        return soonest(self._empty_at, self._off_at)

    def ports(self) -> Iterable[Port[Any]]:
        """The demand at the inlet, and the supply of each outlet."""
        return [self.inlet.demand_w, *(outlet.supply for outlet in self.outlets)]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state for people and scenarios, as JSON."""
        return {
            "state": "on-line" if self.inlet.supply.value.live else "on-battery",
            "switch": "auto" if self.automatic else "local",
            "output": "on" if self.output_on else "off",
            "line_signal": "on" if self.line_signal else "off",
            "client_calls": self.client_calls,
            "input": "good" if self.inlet.supply.value.live else "lost",
        }
