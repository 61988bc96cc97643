"""A server between its power supplies, its BMC and its operating system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.chassis import (
    AcLink,
    ChassisControl,
    ChassisOrder,
    HostState,
    OsOrder,
    OsState,
    OsTask,
    RestartCause,
)
from ridethrough.emulators.bindings.inputs import InputError, Inputs, NoEffectError
from ridethrough.emulators.devices.server.guests import Guest, Guests, GuestState
from ridethrough.emulators.devices.server.inputs import inputs_of
from ridethrough.emulators.devices.server.software import RunningSoftware
from ridethrough.emulators.kernel.instant import Instant, after, soonest
from ridethrough.emulators.kernel.world import Port

SHORTEST_CYCLE_S = 1.0  # of a power cycle, whatever is asked for
STATE_WORDS = {
    OsState.OFF: "is off",
    OsState.BOOTING: "is booting",
    OsState.RUNNING: "is running",
    OsState.SHUTTING_DOWN: "is shutting down",
    OsState.HUNG: "hangs",
}
NO_ORDER = ChassisOrder(0, ChassisControl.POWER_DOWN, RestartCause.UNKNOWN)
NO_OS_ORDER = OsOrder(0, OsTask.SHUTDOWN)


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
        other_addresses: tuple[str, ...] = (),
        order_s: float = 0.0,
        guests: tuple[Guest, ...] = (),
        guests_start: bool = True,
        mac: bytes = b"",
        wake_port_open: bool = False,
    ) -> None:
        """`mac` is that of an interface that wakes the server; `guests_start` whether guests start with the host."""
        self.name = name
        self.addresses = (address, *other_addresses)
        self.lan_cuts: set[int] = set()  # network interfaces, from 1, whose cable is pulled
        self.wake_port_open = wake_port_open  # whether magic packets are received, to whatever effect
        self.dc = [Port(name, f"dc{index}", False) for index in range(1, supplies + 1)]
        self.share_w = [Port(name, f"share{index}", 0.0) for index in range(1, supplies + 1)]
        self.order = Port(name, "order", NO_ORDER)
        self.agent = Port(name, "agent", NO_OS_ORDER)
        self.policy = Port(name, "policy", ac_link)
        self.host = Port(name, "host", HostState(powered=True, os=OsState.RUNNING))
        self.guests = Guests(guests)
        self.software = RunningSoftware()
        self.cuts = 0  # times the supply went away under a running system
        self.inputs: Inputs = inputs_of(self)
        self._boot_s = boot_s
        self._shutdown_s = shutdown_s
        self._order_s = order_s
        self._load_w = load_w
        self._guests_start = guests_start
        self._mac = mac
        self._fed: bool | None = None  # None before the first look
        self._lost_while_on = True
        self._serial = NO_ORDER.serial
        self._os_serial = NO_OS_ORDER.serial
        self._task: tuple[Instant, OsTask] | None = None  # an order that the system has not begun with
        self._boot_again = False
        self._boot_done: Instant | None = None
        self._shutdown_done: Instant | None = None
        self._cycle_on: tuple[Instant, RestartCause] | None = None

    @property
    def _powered(self) -> bool:
        return self.host.value.powered

    @property
    def os(self) -> OsState:
        """The state of the operating system."""
        return self.host.value.os

    @property
    def on_lan(self) -> bool:
        """True if the operating system answers on the network."""
        return self.os in (OsState.RUNNING, OsState.SHUTTING_DOWN)

    def wake(self, mac: bytes, now: Instant) -> bool:
        """A magic packet arrives; whether it wakes this server."""
        if not self._mac or mac != self._mac or self._powered or not self._fed:
            return False
        self._boot(now, RestartCause.UNKNOWN)
        return True

    def _show(self, os: OsState, cause: RestartCause | None = None) -> None:
        powered = os is not OsState.OFF
        self.host.value = HostState(
            powered, os, self.host.value.cause if cause is None else cause, self._load_w if powered else 0.0
        )

    def _off(self) -> None:
        self._boot_done = self._shutdown_done = self._cycle_on = self._task = None
        self._boot_again = False
        self.guests.kill()
        self.software.kill()
        self._show(OsState.OFF)

    def _boot(self, now: Instant, cause: RestartCause) -> None:
        self._off()
        self._boot_done = after(now, self._boot_s)
        self._show(OsState.BOOTING, cause)

    def unlike(self, *states: OsState) -> str:
        """Return why the server is in none of these states; empty where it is in one, and could leave it."""
        if self._fed is False:
            return f"{self.name} has no power"
        return "" if self.os in states else f"{self.name} {STATE_WORDS[self.os]}"

    def press_button(self, now: Instant) -> None:
        """On when off; an orderly shutdown when on."""
        if not self._powered and self._fed:
            self._boot(now, RestartCause.POWER_BUTTON)
        elif self._powered:
            self.order_os(OsTask.SHUTDOWN, now)

    def order_os(self, task: OsTask, now: Instant) -> None:
        """Give the operating system an order; only a running one takes it."""
        if self.os is OsState.RUNNING and self._task is None:
            self._task = after(now, self._order_s), task
            self._begin_task(now)

    def _begin_task(self, now: Instant) -> None:
        if self._task is None or self._task[0] > now:
            return
        self._boot_again = self._task[1] is OsTask.REBOOT
        self._task = None
        self.guests.stop(now)
        self._show(OsState.SHUTTING_DOWN)
        self._finish_guests(now)

    def _finish_guests(self, now: Instant) -> None:
        """The host itself goes down when its guests have."""
        if self.os is OsState.SHUTTING_DOWN and self._shutdown_done is None and self.guests.stopped:
            self._shutdown_done = after(now, self._shutdown_s)

    def hang(self, _now: Instant) -> None:
        """The operating system stops, and everything on it."""
        if self._powered:
            self._boot_done = self._shutdown_done = self._task = None
            self._show(OsState.HUNG)

    def start_guest(self, name: str, now: Instant) -> None:
        """Start a guest at once, whatever its rank; nothing happens to one that is not off.

        Raises NoEffectError while the server does not run, and InputError for an unknown name.
        """
        if self.os is not OsState.RUNNING:
            raise NoEffectError(f"{self.name} does not run")
        if name not in self.guests.states:
            raise InputError(f"there is no guest {name!r}; accepted: {', '.join(self.guests.states) or 'none'}")
        self.guests.start(now, name)

    def stop_guest(self, name: str, now: Instant) -> None:
        """Shut a guest down at once, whatever its rank. Raises NoEffectError and InputError."""
        if self.os is not OsState.RUNNING:
            raise NoEffectError(f"{self.name} does not run")
        if name not in self.guests.states:
            raise InputError(f"there is no guest {name!r}; accepted: {', '.join(self.guests.states) or 'none'}")
        self.guests.stop_one(now, name)

    def _carry_out(self, order: ChassisOrder, now: Instant) -> None:
        match order.action:
            case ChassisControl.POWER_DOWN:
                self._off()
            case ChassisControl.POWER_UP if not self._powered:
                self._boot(now, order.cause)
            case ChassisControl.POWER_CYCLE if self._powered:
                self._off()
                self._cycle_on = (after(now, max(SHORTEST_CYCLE_S, order.cycle_s)), order.cause)
            case ChassisControl.HARD_RESET if self._powered:
                self._boot(now, order.cause)
            case ChassisControl.DIAGNOSTIC_INTERRUPT:
                self.hang(now)  # the system stops in its dump
            case ChassisControl.SOFT_SHUTDOWN:
                self.order_os(OsTask.SHUTDOWN, now)
            case _:
                pass  # already there

    def advance(self, now: Instant) -> None:
        """Do what is due: begin with an order; end a boot, a shutdown or a power cycle; let guests and jobs move on."""
        self.software.advance(now)
        self.guests.advance(now)
        self._begin_task(now)
        self._finish_guests(now)
        if self._boot_done is not None and self._boot_done <= now:
            self._boot_done = None
            self._show(OsState.RUNNING)
            if self._guests_start:
                self.guests.start(now)
        if self._shutdown_done is not None and self._shutdown_done <= now:
            again = self._boot_again
            self._off()
            if again:
                self._boot(now, RestartCause.UNKNOWN)
        if self._cycle_on is not None and self._cycle_on[0] <= now:
            self._boot(now, self._cycle_on[1])

    def react(self, now: Instant) -> None:
        """Follow supplies, the BMC and the agent: power lost or back, and orders that are new."""
        fed = any(port.value for port in self.dc)
        if self._fed is None:
            self._show(self.os)
        elif fed != self._fed:
            self._supply_changed(fed, now)
        if self._fed is not None or fed:
            self._fed = fed
        if self.order.value.serial != self._serial:
            self._serial = self.order.value.serial
            if fed:
                self._carry_out(self.order.value, now)
        if self.agent.value.serial != self._os_serial:
            self._os_serial = self.agent.value.serial
            self.order_os(self.agent.value.task, now)
        live = [port.value for port in self.dc]
        for port, is_live in zip(self.share_w, live, strict=True):
            port.value = self.host.value.load_w / sum(live) if is_live else 0.0

    def _supply_changed(self, fed: bool, now: Instant) -> None:
        if not fed:
            self._lost_while_on = self._powered or self._cycle_on is not None
            self.cuts += self.on_lan
            self._off()
        elif self.policy.value is AcLink.ON:
            self._boot(now, RestartCause.AC_ALWAYS)
        elif self.policy.value is AcLink.LAST and self._lost_while_on:
            self._boot(now, RestartCause.AC_PREVIOUS)

    def next_deadline(self) -> Instant | None:
        """Return the instant at which `advance` must be called next; None for never."""
        return soonest(
            self._boot_done,
            self._shutdown_done,
            self._cycle_on[0] if self._cycle_on else None,
            self._task[0] if self._task else None,
            self.guests.next_deadline(),
            self.software.next_deadline(),
        )

    def ports(self) -> Iterable[Port[Any]]:
        """The level `host`, and the share of the load that each supply carries."""
        return [self.host, *self.share_w]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state of power, operating system, guests and software, as JSON."""
        host = self.host.value
        shown: dict[str, Any] = {
            "state": host.os.value,
            "power": "on" if host.powered else "off",
            "supplies": [port.value for port in self.dc],
            "load_w": host.load_w,
            "ac_link": self.policy.value.value,
            "cuts": self.cuts,
            "jobs": self.software.jobs,
            "jobs_done": list(self.software.finished),
            "clients": self.software.clients,
            "lan_cut": sorted(self.lan_cuts),
        }
        if self.guests.states:
            alive = [name for name, state in self.guests.states.items() if state is GuestState.RUNNING]
            shown["guests"] = {name: state.value for name, state in self.guests.states.items()}
            shown["guests_running"] = len(alive)
            shown["guests_cut"] = self.guests.cuts
        return shown
