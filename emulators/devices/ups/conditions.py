"""The lasting conditions of a UPS, and the traps of their beginning and their end."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ridethrough.emulators.devices.ups.line import Avr
from ridethrough.emulators.devices.ups.traps import Trap

AVR_BEGINS = {Avr.BOOST: Trap.BOOST_ON, Avr.TRIM: Trap.TRIM_ON}
AVR_ENDS = {Avr.BOOST: Trap.BOOST_OFF, Avr.TRIM: Trap.TRIM_OFF}


class LastingCondition(Enum):
    """A lasting condition, with the traps of its beginning and its end."""

    OVERLOADED = (Trap.OVERLOAD, Trap.OVERLOAD_CLEARED)
    DISCHARGED = (Trap.DISCHARGED, Trap.DISCHARGE_CLEARED)
    TOO_WARM = (Trap.OVER_TEMPERATURE, Trap.OVER_TEMPERATURE_CLEARED)
    REPLACE = (Trap.REPLACE_BATTERY, Trap.BATTERY_REPLACED)


class Facts(NamedTuple):
    """The present state of a UPS, as far as traps report it. `avr` is the voltage regulation that the load gets;
    `abnormal` are the numbers of the abnormal conditions.
    """

    outage: bool
    output_on: bool
    avr: Avr
    overloaded: bool
    discharged: bool
    too_warm: bool
    replace: bool
    abnormal: set[int]


class Notice(NamedTuple):
    """A trap to send. `number` is that of an abnormal condition."""

    trap: Trap
    number: int = 0


class ConditionMonitor:
    """Compares what holds with what held, and names the traps of the difference. Starts with nothing present."""

    def __init__(self) -> None:
        self.present: set[LastingCondition] = set()
        self._outage = False
        self._avr = Avr.NONE
        self._abnormal: set[int] = set()

    def update(self, facts: Facts) -> list[Notice]:
        """Compare the present facts with the last ones; returns the traps to send, in the order of a card."""
        notices = [*self._regulation(facts.avr), *self._conditions(facts), *self._abnormal_conditions(facts.abnormal)]
        if facts.outage and not self._outage:
            self._outage = True
            notices.append(Notice(Trap.ON_BATTERY))
        elif self._outage and not facts.outage and facts.output_on:
            self._outage = False
            notices.append(Notice(Trap.POWER_RESTORED))
        return notices

    def _regulation(self, avr: Avr) -> list[Notice]:
        if avr is self._avr:
            return []
        traps = (AVR_ENDS.get(self._avr), AVR_BEGINS.get(avr))
        self._avr = avr
        return [Notice(trap) for trap in traps if trap is not None]

    def _conditions(self, facts: Facts) -> list[Notice]:
        holds = {
            LastingCondition.OVERLOADED: facts.overloaded,
            LastingCondition.DISCHARGED: facts.discharged,
            LastingCondition.TOO_WARM: facts.too_warm,
            LastingCondition.REPLACE: facts.replace,
        }
        before, self.present = self.present, {condition for condition, now in holds.items() if now}
        return [
            Notice(condition.value[0 if condition in self.present else 1])
            for condition in LastingCondition
            if (condition in before) is not (condition in self.present)
        ]

    def _abnormal_conditions(self, abnormal: set[int]) -> list[Notice]:
        changed, self._abnormal = abnormal ^ self._abnormal, abnormal
        return [
            Notice(Trap.ABNORMAL if number in abnormal else Trap.ABNORMAL_CLEARED, number) for number in sorted(changed)
        ]
