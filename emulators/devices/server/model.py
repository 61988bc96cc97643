"""A server between its power supplies, its BMC and its operating system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulators.bindings.chassis import AcLink, Action, ChassisOrder, Host, OsState, RestartCause
from emulators.bindings.inputs import Inputs, plain
from emulators.kernel.instant import Instant, after, soonest
from emulators.kernel.world import Port

SHORTEST_CYCLE_S = 1.0  # of a power cycle, whatever is asked for
NO_ORDER = ChassisOrder(0, Action.POWER_DOWN, RestartCause.UNKNOWN)


class Server:
    """Runs from the start when it has power. `dc` and `share_w` have one entry for each power supply."""

    kind = "server"

    def __init__(
        self,
        name: str,
        supplies: int,
        *,
        ac_link: AcLink,
        boot_s: float,
        shutdown_s: float,
        load_w: float,
        address: str = "",
    ) -> None:
        self.name = name
        self.address = address
        self.dc = [Port(f"{name}.dc{index}", False) for index in range(1, supplies + 1)]
        self.share_w = [Port(f"{name}.share{index}", 0.0) for index in range(1, supplies + 1)]
        self.order = Port(f"{name}.order", NO_ORDER)
        self.policy = Port(f"{name}.policy", ac_link)
        self.host = Port(f"{name}.host", Host(powered=True, os=OsState.RUNNING))
        self.inputs = Inputs(
            {
                "power_button": plain("the power button is pressed", self._button),
                "shutdown": plain("the operating system is told to shut down", self._shutdown),
                "hang": plain("the operating system hangs", self._hang),
            }
        )
        self._boot_s = boot_s
        self._shutdown_s = shutdown_s
        self._load_w = load_w
        self._fed: bool | None = None  # None before the first look
        self._lost_while_on = True
        self._serial = NO_ORDER.serial
        self._boot_done: Instant | None = None
        self._shutdown_done: Instant | None = None
        self._cycle_on: tuple[Instant, RestartCause] | None = None

    @property
    def _powered(self) -> bool:
        return self.host.value.powered

    @property
    def on_lan(self) -> bool:
        """Whether the operating system answers on the network."""
        return self.host.value.os in (OsState.RUNNING, OsState.SHUTTING_DOWN)

    def _show(self, os: OsState, cause: RestartCause | None = None) -> None:
        powered = os is not OsState.OFF
        self.host.value = Host(
            powered, os, self.host.value.cause if cause is None else cause, self._load_w if powered else 0.0
        )

    def _off(self) -> None:
        self._boot_done = self._shutdown_done = self._cycle_on = None
        self._show(OsState.OFF)

    def _boot(self, now: Instant, cause: RestartCause) -> None:
        self._off()
        self._boot_done = after(now, self._boot_s)
        self._show(OsState.BOOTING, cause)

    def _button(self, now: Instant) -> None:
        if not self._powered and self._fed:
            self._boot(now, RestartCause.POWER_BUTTON)
        elif self._powered:
            self._shutdown(now)

    def _shutdown(self, now: Instant) -> None:
        """An orderly shutdown; only a running system hears the request."""
        if self.host.value.os is OsState.RUNNING:
            self._shutdown_done = after(now, self._shutdown_s)
            self._show(OsState.SHUTTING_DOWN)

    def _hang(self, _now: Instant) -> None:
        if self._powered:
            self._boot_done = self._shutdown_done = None
            self._show(OsState.HUNG)

    def _carry_out(self, order: ChassisOrder, now: Instant) -> None:
        match order.action:
            case Action.POWER_DOWN:
                self._off()
            case Action.POWER_UP if not self._powered:
                self._boot(now, order.cause)
            case Action.POWER_CYCLE if self._powered:
                self._off()
                self._cycle_on = (after(now, max(SHORTEST_CYCLE_S, order.cycle_s)), order.cause)
            case Action.HARD_RESET if self._powered:
                self._boot(now, order.cause)
            case Action.DIAGNOSTIC_INTERRUPT:
                self._hang(now)  # the system stops in its dump
            case Action.SOFT_SHUTDOWN:
                self._shutdown(now)
            case _:
                pass  # already there

    def advance(self, now: Instant) -> None:
        if self._boot_done is not None and self._boot_done <= now:
            self._boot_done = None
            self._show(OsState.RUNNING)
        if self._shutdown_done is not None and self._shutdown_done <= now:
            self._off()
        if self._cycle_on is not None and self._cycle_on[0] <= now:
            self._boot(now, self._cycle_on[1])

    def react(self, now: Instant) -> None:
        fed = any(port.value for port in self.dc)
        if self._fed is None:
            self._show(self.host.value.os)
        elif fed != self._fed:
            self._supply_changed(fed, now)
        if self._fed is not None or fed:
            self._fed = fed
        if self.order.value.serial != self._serial:
            self._serial = self.order.value.serial
            if fed:
                self._carry_out(self.order.value, now)
        live = [port.value for port in self.dc]
        for port, is_live in zip(self.share_w, live, strict=True):
            port.value = self.host.value.load_w / sum(live) if is_live else 0.0

    def _supply_changed(self, fed: bool, now: Instant) -> None:
        if not fed:
            self._lost_while_on = self._powered or self._cycle_on is not None
            self._off()
        elif self.policy.value is AcLink.ON:
            self._boot(now, RestartCause.AC_ALWAYS)
        elif self.policy.value is AcLink.LAST and self._lost_while_on:
            self._boot(now, RestartCause.AC_PREVIOUS)

    def next_deadline(self) -> Instant | None:
        return soonest(self._boot_done, self._shutdown_done, self._cycle_on[0] if self._cycle_on else None)

    def ports(self) -> Iterable[Port[Any]]:
        return [self.host, *self.share_w]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        host = self.host.value
        return {
            "state": host.os.value,
            "power": "on" if host.powered else "off",
            "supplies": [port.value for port in self.dc],
            "load_w": host.load_w,
            "ac_link": self.policy.value.value,
        }
