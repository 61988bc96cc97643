"""The battery: charge, runtime by load, age, temperature, voltage, and when it counts as low."""

from __future__ import annotations

import math

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.kernel.instant import START, Instant
from ridethrough.emulators.kernel.quantity import Quantity

# Share of its float voltage that a lead-acid battery shows under load, full and empty.
LOADED_FULL = 0.92
LOADED_EMPTY = 0.78
JUST_ABOVE = 1e-9
YEAR_S = 365 * 86_400
WORN_OUT = 1.0  # age, in lives, at which a battery is due for replacement


class Battery:
    """Full and young at the start. `load` is the share of the UPS's rating throughout."""

    def __init__(self, profile: Profile) -> None:
        self._data = profile.battery
        self.charge = Quantity(1.0, START)
        self.low = False
        self.age = Quantity(0.0, START, 1 / (self._data.life_years * YEAR_S), high=math.inf)  # in lives
        self.packs = profile.battery_packs
        self.ambient_celsius = self._data.celsius  # as measured inside, at rest
        self.celsius = Quantity(self._data.celsius, START, low=self._data.celsius, high=self._data.celsius)
        self._target_celsius = self._data.celsius

    def resting(self, now: Instant) -> bool:
        """Return whether charge and temperature stay as they are."""
        return self.charge.still(now) and self.celsius.still(now)

    def capacity(self, now: Instant) -> float:
        """Return the share of its first capacity: all of it for half its life, then falling to `worn_capacity` at its
        end.
        """
        aged = max(0.0, self.age.at(now) - 0.5) * 2
        return max(0.1, 1 - aged * (1 - self._data.worn_capacity))

    def full_runtime_s(self, load: float, now: Instant) -> float:
        """Return how long a full battery carries `load`."""
        curve = float(max(load, self._data.lowest_load) ** -self._data.exponent)
        packs = 1 + max(0, self.packs) * self._data.pack_capacity
        return self._data.full_load_runtime_s * curve * packs * self.capacity(now)

    def runtime_s(self, load: float, now: Instant) -> float:
        """Return how long the battery would carry `load` from now on."""
        return self.full_runtime_s(load, now) * self.charge.at(now)

    def volts(self, now: Instant, *, discharging: bool) -> float:
        """Return the voltage: float on line, sagging with the charge under load."""
        if not discharging:
            return self._data.float_volts
        return self._data.float_volts * (LOADED_EMPTY + (LOADED_FULL - LOADED_EMPTY) * self.charge.at(now))

    def set_charge(self, share: float, now: Instant) -> None:
        """Put in a battery with that charge."""
        self.charge = Quantity(share, now, self.charge.rate)

    def set_age(self, years: float, now: Instant) -> None:
        """Let the battery be `years` old."""
        self.age = Quantity(years / self._data.life_years, now, self.age.rate, high=math.inf)

    def flow(self, now: Instant, load: float, *, discharging: bool, charging: bool) -> None:
        """From now on the battery feeds `load`, is charged, or rests."""
        # A discharge keeps the capacity it began with, so that its rate is steady.
        began = self.charge.since if discharging and self.charge.rate < 0 else now
        rate = -1 / self.full_runtime_s(load, began) if discharging else 1 / self._data.recharge_s if charging else 0.0
        if rate != self.charge.rate:
            self.charge.change(now, rate)
        self._warm(now, self.ambient_celsius + (self._data.rise_celsius * min(1.0, load) if discharging else 0.0))

    def _warm(self, now: Instant, target_celsius: float) -> None:
        """Let the temperature move steadily to `target_celsius` and stay there."""
        if target_celsius == self._target_celsius:
            return
        self._target_celsius = target_celsius
        present = self.celsius.at(now)
        rate = math.copysign(1 / self._data.warming_s, target_celsius - present)
        self.celsius = Quantity(present, now, rate, min(present, target_celsius), max(present, target_celsius))

    def judge(self, now: Instant, load: float, low_s: float, *, discharging: bool, charging: bool) -> bool:
        """Update `low`; returns whether it changed."""
        runtime_s = self.runtime_s(load, now)
        if not self.low and discharging and runtime_s <= low_s:
            self.low = True
            return True
        if self.low and charging and runtime_s > low_s:
            self.low = False
            return True
        return False

    def deadlines(self, now: Instant, load: float, low_s: float, levels: list[float]) -> list[Instant | None]:
        """Return when the charge reaches one of `levels`, and when the battery begins or ceases to be low, too warm or
        too old.
        """
        low = low_s / self.full_runtime_s(load, now)
        if self.charge.rate < 0 and not self.low:
            levels = [*levels, low]
        elif self.charge.rate > 0:
            levels = [*levels, low + JUST_ABOVE]
        return [
            *(self.charge.crossing(level, now) for level in levels),
            self.celsius.crossing(self._data.over_celsius - (JUST_ABOVE if self.celsius.rate < 0 else 0), now),
            self.age.crossing(WORN_OUT, now),
        ]

    def too_warm(self, now: Instant) -> bool:
        """Return whether the temperature has reached the limit."""
        return self.celsius.at(now) >= self._data.over_celsius

    def too_old(self, now: Instant) -> bool:
        """Return whether the battery has reached the end of its life."""
        return self.age.at(now) >= WORN_OUT
