"""The battery: charge, runtime by load, voltage, and when it counts as low."""

from __future__ import annotations

from emulators.devices.ups.profile import Profile
from emulators.kernel.instant import START, Instant
from emulators.kernel.quantity import Quantity

# Share of its float voltage that a lead-acid battery shows under load, full and empty.
LOADED_FULL = 0.92
LOADED_EMPTY = 0.78
JUST_ABOVE = 1e-9


class Battery:
    """Full at the start. `load` is the share of the UPS's rating throughout."""

    def __init__(self, profile: Profile) -> None:
        self._data = profile.battery
        self.charge = Quantity(1.0, START)
        self.low = False

    def full_runtime_s(self, load: float) -> float:
        """How long a full battery carries `load`."""
        curve = float(max(load, self._data.lowest_load) ** -self._data.exponent)
        return self._data.full_load_runtime_s * curve

    def runtime_s(self, load: float, now: Instant) -> float:
        """How long the battery would carry `load` from now on."""
        return self.full_runtime_s(load) * self.charge.at(now)

    def volts(self, now: Instant, *, discharging: bool) -> float:
        """At float on line, sagging with the charge under load."""
        if not discharging:
            return self._data.float_volts
        return self._data.float_volts * (LOADED_EMPTY + (LOADED_FULL - LOADED_EMPTY) * self.charge.at(now))

    def set_charge(self, share: float, now: Instant) -> None:
        """Put in a battery with that charge."""
        self.charge = Quantity(share, now, self.charge.rate)

    def flow(self, now: Instant, load: float, *, discharging: bool, charging: bool) -> None:
        """From now on the battery feeds `load`, is charged, or rests."""
        rate = -1 / self.full_runtime_s(load) if discharging else 1 / self._data.recharge_s if charging else 0.0
        if rate != self.charge.rate:
            self.charge.change(now, rate)

    def judge(self, now: Instant, load: float, low_s: float, *, discharging: bool, charging: bool) -> bool:
        """Whether the battery has just become low, or has just ceased to be; `low` then tells which."""
        runtime_s = self.runtime_s(load, now)
        if not self.low and discharging and runtime_s <= low_s:
            self.low = True
            return True
        if self.low and charging and runtime_s > low_s:
            self.low = False
            return True
        return False

    def deadlines(self, now: Instant, load: float, low_s: float, levels: list[float]) -> list[Instant | None]:
        """When the charge will reach one of `levels`, or the battery become low or cease to be."""
        low = low_s / self.full_runtime_s(load)
        if self.charge.rate < 0 and not self.low:
            levels = [*levels, low]
        elif self.charge.rate > 0 and self.low:
            levels = [*levels, low + JUST_ABOVE]
        return [self.charge.crossing(level, now) for level in levels]
