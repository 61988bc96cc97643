"""The source of every row of a UPS: the model, its card and the alarm table, by one name each.

Rows are made once for all cards of a profile, and are handed the source of the card that is asked.
"""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.card.card import Card
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.snmp.alarms import AlarmTable
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import ErrorStatus, Value


class Source:
    """One UPS with its card."""

    __slots__ = ("alarms", "card", "engine", "ups")

    def __init__(self, ups: Ups, card: Card) -> None:
        self.ups = ups
        self.card = card
        self.engine = card  # by the name under which the rows of every engine know it
        self.alarms = AlarmTable()


Getter = Callable[[Source, Instant], Value]
Checker = Callable[[Source, Value, Instant], ErrorStatus]
Applier = Callable[[Source, Value, Instant], None]
