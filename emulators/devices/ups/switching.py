"""The outlets: going off after the delays of an order, staying off, and coming back."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.controls import EXHAUSTED, OFF, Order, Return, Status
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import START, Instant, after, seconds_between

NEVER_S = -1  # how RFC 1628 says that no countdown runs
SHORTEST_S = 1  # relays need a moment, whatever a manager asks for


class Switching:
    """`clients_s` is how long the slowest PowerChute client needs; `tell` sends a trap."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        clients_s: Callable[[], float],
        tell: Callable[[Trap, Instant], None],
    ) -> None:
        self._settings = settings
        self._short_s = profile.diagnostics.short_reboot_s
        self._clients_s = clients_s
        self._tell = tell
        self.off = False
        self.order: Order | None = None  # being carried out
        self.grace_until: Instant | None = None
        self.sleep_until: Instant | None = None
        self.wake_at: Instant | None = None
        self._off_since: Instant = START
        self._time_s = self._short_s  # off time of an order that returns by time

    @property
    def status(self) -> Status:
        """upsBasicOutputStatus while off."""
        if self.order is None:
            return Status.OFF
        slept_out = self.order.status is Status.TIMED_SLEEPING and self.sleep_until is None and self.wake_at is None
        return Status.SLEEPING_UNTIL_POWER_RETURN if slept_out else self.order.status

    def begin(self, order: Order, now: Instant, delay_s: float | None = None, time_s: float | None = None) -> None:
        """Carry out an order; `delay_s` replaces its own delays, `time_s` how long one stays off that returns by time.

        An order to come back, given while the outlets are off, has no effect.
        """
        if self.off and order.returns is not Return.NEVER:
            return
        self.order = order
        self._time_s = self._short_s if time_s is None else time_s
        if delay_s is None:
            delay_s = self._settings["upsAdvConfigShutoffDelay"] / 100 if order.grace else 0
            delay_s += self._clients_s() if order.clients else 0
        self.grace_until = after(now, delay_s)
        if delay_s:
            self._tell(Trap.GRACEFUL_SHUTDOWN, now)
        else:
            self.turn_off(now)

    def abort(self) -> None:
        """Forget an order whose delay still runs."""
        if not self.off:
            self.order = self.grace_until = None

    def turn_off(self, now: Instant) -> None:
        """Outlets off, as the order under way says."""
        order = self.order or OFF
        self.grace_until = self.sleep_until = self.wake_at = None
        self.off, self._off_since = True, now
        if order.returns is Return.SLEEP:
            sleep_s = self._settings["upsAdvConfigUpsSleepTime"] / 100
            self.sleep_until = after(now, sleep_s) if sleep_s else None
        elif order.returns is Return.TIME:
            self.wake_at = after(now, max(self._time_s, SHORTEST_S))
        self._tell(order.off_trap, now)

    def exhaust(self, now: Instant) -> None:
        """The battery is empty."""
        self.order = EXHAUSTED
        self.turn_off(now)

    def turn_on(self, now: Instant, delay_s: float) -> None:
        """Outlets on after `delay_s`, by order."""
        self.sleep_until = None
        self.wake_at = after(now, delay_s)
        if not delay_s:
            self.switch_on(now)

    def switch_on(self, now: Instant) -> None:
        """Outlets on, by order, by button or by themselves."""
        trap = self.order.on_trap if self.order else Trap.TURNED_ON
        self.off = False
        self.order = None
        self.wake_at = self.sleep_until = self.grace_until = None
        self._tell(trap, now)

    def advance(self, now: Instant) -> None:
        """Do what is due."""
        if self.grace_until is not None and self.grace_until <= now:
            self.turn_off(now)
        if self.sleep_until is not None and self.sleep_until <= now:
            self.sleep_until = None
        if self.wake_at is not None and self.wake_at <= now:
            self.switch_on(now)

    def update_return(self, now: Instant, *, line_good: bool, charge: float) -> None:
        """Input good, then charge enough, then the return delay, then on."""
        order = self.order
        if not self.off or order is None or order.returns in (Return.NEVER, Return.TIME):
            return
        ready = line_good and self.sleep_until is None and charge >= self.return_charge
        if ready and self.wake_at is None:
            # However short the delay, relays and loads are given a moment without voltage.
            rest_s = self._short_s - seconds_between(self._off_since, now)
            self.turn_on(now, max(self.return_delay_s, rest_s, 0))
        elif not ready:
            self.wake_at = None

    @property
    def return_charge(self) -> float:
        """Share of the charge that the outlets wait for."""
        return self._settings["upsAdvConfigMinReturnCapacity"] / 100

    @property
    def return_delay_s(self) -> float:
        """What is waited for once everything else is right."""
        return self._settings["upsAdvConfigReturnDelay"] / 100

    def off_in_s(self, now: Instant) -> float | None:
        """Until the outlets go off; None when no order runs."""
        return None if self.grace_until is None else (self.grace_until - now) / 1000

    def on_in_s(self, now: Instant) -> float | None:
        """Until the outlets come back; None while nothing will bring them back at a known time."""
        return None if self.wake_at is None else (self.wake_at - now) / 1000
