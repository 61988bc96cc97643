"""What a UPS has to tell: a trap for each state that differs from what it told last."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from ridethrough.emulators.devices.ups.diagnostics import SelfTestResult
from ridethrough.emulators.devices.ups.line import Avr
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.model import Ups

AVR_BEGINS = {Avr.BOOST: Trap.BOOST_ON, Avr.TRIM: Trap.TRIM_ON}
AVR_ENDS = {Avr.BOOST: Trap.BOOST_OFF, Avr.TRIM: Trap.TRIM_OFF}


class Condition(Enum):
    """What lasts, with the traps that tell of its beginning and its end."""

    OVERLOADED = (Trap.OVERLOAD, Trap.OVERLOAD_CLEARED)
    DISCHARGED = (Trap.DISCHARGED, Trap.DISCHARGE_CLEARED)
    TOO_WARM = (Trap.OVER_TEMPERATURE, Trap.OVER_TEMPERATURE_CLEARED)
    REPLACE = (Trap.REPLACE_BATTERY, Trap.BATTERY_REPLACED)


class News:
    """Starts with nothing to tell."""

    def __init__(self, ups: Ups) -> None:
        self.conditions: set[Condition] = set()  # present, and told
        self._ups = ups
        self._outage = False
        self._avr = Avr.NONE
        self._abnormal: set[int] = set()

    def tell(self, now: Instant) -> None:
        """Send what is new."""
        self._tell_regulation(now)
        self._tell_conditions(now)
        self._tell_abnormal(now)
        ups = self._ups
        if ups.in_outage and not self._outage:
            self._outage = True
            ups.card.send(Trap.ON_BATTERY, now)
        elif self._outage and not ups.in_outage and ups.output_on:
            self._outage = False
            ups.card.send(Trap.POWER_RESTORED, now)

    def _tell_regulation(self, now: Instant) -> None:
        avr = self._ups.line.avr if self._ups.output_on else Avr.NONE
        if avr is self._avr:
            return
        for trap in (AVR_ENDS.get(self._avr), AVR_BEGINS.get(avr)):
            if trap is not None:
                self._ups.card.send(trap, now)
        self._avr = avr

    def _tell_conditions(self, now: Instant) -> None:
        present = self._present(now)
        for condition in Condition:
            if (condition in present) is not (condition in self.conditions):
                self._ups.card.send(condition.value[0 if condition in present else 1], now)
        self.conditions = present

    def _present(self, now: Instant) -> set[Condition]:
        ups = self._ups
        on_line = ups.line.good and not ups.on_battery
        failed = ups.diagnostics.battery_bad and ups.diagnostics.result is SelfTestResult.FAILED
        present = {
            Condition.OVERLOADED: ups.load > 1,
            Condition.DISCHARGED: on_line and ups.battery.runtime_s(ups.load, now) <= ups.low_s,
            Condition.TOO_WARM: ups.battery.too_warm(now),
            Condition.REPLACE: failed or ups.battery.too_old(now),
        }
        return {condition for condition, holds in present.items() if holds}

    def _tell_abnormal(self, now: Instant) -> None:
        abnormal = self._ups.abnormal
        for number in sorted(abnormal ^ self._abnormal):
            trap = Trap.ABNORMAL if number in abnormal else Trap.ABNORMAL_CLEARED
            self._ups.card.send(trap, now, {"mtrapargsInteger": number})
        self._abnormal = abnormal
