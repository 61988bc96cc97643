"""The outlets: going off after the delays of a shutdown mode, staying off, and coming back."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.emulators.devices.ups.shutdown_modes import EXHAUSTED, OFF, OutputStatus, ReturnOn, ShutdownMode
from ridethrough.emulators.devices.ups.traps import Notify, Trap
from ridethrough.emulators.kernel.instant import START, Instant, after, seconds_between

SHORTEST_S = 1  # relays need a moment, whatever a manager asks for


class Switching:
    """The outlets of one UPS. `clients_s` gives how long the slowest PowerChute client needs; `notify` sends traps."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        clients_s: Callable[[], float],
        notify: Notify,
    ) -> None:
        self._settings = settings
        self._short_s = profile.diagnostics.short_reboot_s
        self._clients_s = clients_s
        self._notify = notify
        self.off = False
        self.mode: ShutdownMode | None = None  # being carried out
        self.off_at: Instant | None = None
        self.sleep_until: Instant | None = None
        self.wake_at: Instant | None = None
        self._off_since: Instant = START
        self._time_s = self._short_s  # off time of a mode that returns by time

    @property
    def status(self) -> OutputStatus:
        """The status of the output while off."""
        if self.mode is None:
            return OutputStatus.OFF
        slept_out = (
            self.mode.status is OutputStatus.TIMED_SLEEPING and self.sleep_until is None and self.wake_at is None
        )
        return OutputStatus.SLEEPING_UNTIL_POWER_RETURN if slept_out else self.mode.status

    def begin(
        self, mode: ShutdownMode, now: Instant, delay_s: float | None = None, time_s: float | None = None
    ) -> None:
        """Begin a shutdown. `delay_s` replaces the delays of its mode, `time_s` the off time of one that returns by
        time.

        While the outlets are off, a mode that brings them back has no effect.
        """
        if self.off and mode.returns is not ReturnOn.COMMAND:
            return
        self.mode = mode
        self._time_s = self._short_s if time_s is None else time_s
        if delay_s is None:
            delay_s = self._settings.shutoff_delay_s if mode.graceful else 0
            delay_s += self._clients_s() if mode.waits_for_clients else 0
        self.off_at = after(now, delay_s)
        if delay_s:
            self._notify(Trap.GRACEFUL_SHUTDOWN, now)
        else:
            self.turn_off(now)

    def abort(self) -> None:
        """Cancel a shutdown whose delay still runs."""
        if not self.off:
            self.mode = self.off_at = None

    def turn_off(self, now: Instant) -> None:
        """Switch the outlets off now, in the mode under way or as by the button."""
        mode = self.mode or OFF
        self.off_at = self.sleep_until = self.wake_at = None
        self.off, self._off_since = True, now
        if mode.returns is ReturnOn.SLEEP:
            sleep_s = self._settings.sleep_time_s
            self.sleep_until = after(now, sleep_s) if sleep_s else None
        elif mode.returns is ReturnOn.TIME:
            self.wake_at = after(now, max(self._time_s, SHORTEST_S))
        self._notify(mode.off_trap, now)

    def exhaust(self, now: Instant) -> None:
        """Switch the outlets off because the battery is empty."""
        self.mode = EXHAUSTED
        self.turn_off(now)

    def turn_on(self, now: Instant, delay_s: float) -> None:
        """Switch the outlets on after `delay_s`, whatever the mode waits for."""
        self.sleep_until = None
        self.wake_at = after(now, delay_s)
        if not delay_s:
            self.switch_on(now)

    def switch_on(self, now: Instant) -> None:
        """Switch the outlets on now."""
        trap = self.mode.on_trap if self.mode else Trap.TURNED_ON
        self.off = False
        self.mode = None
        self.wake_at = self.sleep_until = self.off_at = None
        self._notify(trap, now)

    def advance(self, now: Instant) -> None:
        """Switch what is due at `now`."""
        if self.off_at is not None and self.off_at <= now:
            self.turn_off(now)
        if self.sleep_until is not None and self.sleep_until <= now:
            self.sleep_until = None
        if self.wake_at is not None and self.wake_at <= now:
            self.switch_on(now)

    def update_return(self, now: Instant, *, line_good: bool, charge: float) -> None:
        """Bring the outlets back once the input is good, the charge high enough and the return delay over."""
        mode = self.mode
        if not self.off or mode is None or mode.returns in (ReturnOn.COMMAND, ReturnOn.TIME):
            return
        ready = line_good and self.sleep_until is None and charge >= self._settings.min_return_capacity
        if ready and self.wake_at is None:
            # However short the delay, relays and loads are given a moment without voltage.
            rest_s = self._short_s - seconds_between(self._off_since, now)
            self.turn_on(now, max(self._settings.return_delay_s, rest_s, 0))
        elif not ready:
            self.wake_at = None

    def off_in_s(self, now: Instant) -> float | None:
        """Return the time until the outlets go off; None when no shutdown has begun."""
        return None if self.off_at is None else (self.off_at - now) / 1000

    def on_in_s(self, now: Instant) -> float | None:
        """Return the time until the outlets come back; None while nothing brings them back at a known time."""
        return None if self.wake_at is None else (self.wake_at - now) / 1000
