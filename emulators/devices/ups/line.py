"""The input as the UPS judges it: good or not, why it failed, and the extremes of the last minute."""

from __future__ import annotations

from collections import deque
from enum import Enum, IntEnum, auto

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.emulators.kernel.power import Supply

MOMENT_S = 5  # a failure shorter than this counts as momentary
WINDOW_MS = 60_000
NOMINAL_HERTZ = (50, 60)


class FailCause(IntEnum):
    """Cause of the last transfer to battery, with the numbers of upsAdvInputLineFailCause."""

    NO_TRANSFER = 1
    HIGH_LINE_VOLTAGE = 2
    BROWNOUT = 3
    BLACKOUT = 4
    SMALL_MOMENTARY_SAG = 5
    DEEP_MOMENTARY_SAG = 6
    SMALL_MOMENTARY_SPIKE = 7
    LARGE_MOMENTARY_SPIKE = 8
    SELF_TEST = 9
    RATE_OF_VOLTAGE_CHANGE = 10


class Avr(Enum):
    """The act of automatic voltage regulation on a good line."""

    NONE = auto()
    BOOST = auto()
    TRIM = auto()


_LASTING = {
    FailCause.SMALL_MOMENTARY_SAG: FailCause.BROWNOUT,
    FailCause.DEEP_MOMENTARY_SAG: FailCause.BLACKOUT,
    FailCause.SMALL_MOMENTARY_SPIKE: FailCause.HIGH_LINE_VOLTAGE,
    FailCause.LARGE_MOMENTARY_SPIKE: FailCause.HIGH_LINE_VOLTAGE,
}


class LineMonitor:
    """The judge of the input. Starts on a good line at nominal voltage, as a UPS does that was switched on in peace."""

    def __init__(self, profile: Profile) -> None:
        self._deep_sag_volts = profile.rating.volts * profile.battery.low_input_fraction
        self._rated = profile.rating
        self._limits = profile.line
        self._regulation = profile.regulation
        self.good = True
        self.avr = Avr.NONE
        self.supply: Supply = Supply(float(profile.rating.volts), float(profile.rating.hertz))
        self.cause = FailCause.NO_TRANSFER
        self.lost_since: Instant | None = None
        self._history: deque[tuple[Instant, float]] = deque()  # (from when, volts)

    def observe(
        self, supply: Supply, window: tuple[int, int], now: Instant, *, sensitivity: int, regulates: bool = True
    ) -> None:
        """Judge the present input.

        `window` is the lowest and highest voltage the load may see, `sensitivity` a value of upsAdvConfigSensitivity.
        """
        if not self._history or supply != self.supply:
            self.supply = supply
            self._history.append((now, supply.volts))
        cause = self._judge(supply, window, sensitivity)
        if self.good and cause is not None:
            self.lost_since = now
            self.cause = cause
        elif cause is None:
            self.lost_since = None
        self.good = cause is None
        self.avr = self._regulate(supply.volts) if self.good and regulates else Avr.NONE

    def _judge(self, supply: Supply, window: tuple[int, int], sensitivity: int) -> FailCause | None:
        """Return why this input cannot feed the load; None when it can."""
        low, high = window
        if supply.volts > high:
            large = supply.volts > self._limits.large_spike * self._rated.volts
            return FailCause.LARGE_MOMENTARY_SPIKE if large else FailCause.SMALL_MOMENTARY_SPIKE
        if supply.volts < low:
            deep = supply.volts < self._deep_sag_volts
            return FailCause.DEEP_MOMENTARY_SAG if deep else FailCause.SMALL_MOMENTARY_SAG
        strayed = abs(supply.hertz - self._nominal_hertz(supply.hertz)) > self._limits.frequency_window_hz
        if strayed or (supply.noisy and sensitivity >= self._limits.noise_sensitivity):
            return FailCause.RATE_OF_VOLTAGE_CHANGE
        return None

    def _nominal_hertz(self, hertz: float) -> float:
        """Return 50 or 60 Hz, whichever is nearer, as the UPS adapts to it."""
        return min(NOMINAL_HERTZ, key=lambda nominal: abs(nominal - hertz))

    def _regulate(self, volts: float) -> Avr:
        if self._regulation is None:
            return Avr.NONE
        if volts < self._regulation.boost_below * self._rated.volts:
            return Avr.BOOST
        return Avr.TRIM if volts > self._regulation.trim_above * self._rated.volts else Avr.NONE

    @property
    def regulated(self) -> Supply:
        """The good line as the outlets get it."""
        if self._regulation is None or self.avr is Avr.NONE:
            return self.supply
        gain = self._regulation.boost_gain if self.avr is Avr.BOOST else self._regulation.trim_gain
        return Supply(self.supply.volts * gain, self.supply.hertz)

    def forget_extremes(self) -> None:
        """Start the extremes anew from the present voltage."""
        while len(self._history) > 1:
            self._history.popleft()

    def tested(self) -> None:
        """Note a transfer that the UPS made of its own accord."""
        self.cause = FailCause.SELF_TEST

    def advance(self, now: Instant) -> None:
        """Let a momentary failure become a lasting one at its time."""
        due = self.next_deadline()
        if due is not None and due <= now:
            self.cause = _LASTING[self.cause]

    def next_deadline(self) -> Instant | None:
        """Return when a momentary failure becomes a lasting one; None while neither is due."""
        if self.lost_since is None or self.cause not in _LASTING:
            return None
        return after(self.lost_since, MOMENT_S)

    def extremes(self, now: Instant) -> tuple[float, float]:
        """Return the lowest and the highest voltage of the last minute."""
        while len(self._history) > 1 and self._history[1][0] <= now - WINDOW_MS:
            self._history.popleft()
        volts = [value for _, value in self._history] or [self.supply.volts]
        return min(volts), max(volts)
