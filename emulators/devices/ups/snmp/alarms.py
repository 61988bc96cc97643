"""The alarm table of RFC 1628 (section 4.7): which alarms are active, and since when."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.bindings.snmp import Instance
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import Tag, Value

ENTRY = Oid.parse("1.3.6.1.2.1.33.1.6.2.1")  # upsAlarmEntry
WELL_KNOWN = Oid.parse("1.3.6.1.2.1.33.1.6.3")

# Well-known alarms by their number.
ALARMS: dict[int, Callable[[Ups], bool]] = {
    1: lambda ups: ups.replace_battery,
    2: lambda ups: ups.on_battery,
    3: lambda ups: ups.battery.low,
    5: lambda ups: ups.too_warm,
    6: lambda ups: not ups.line.good,
    8: lambda ups: ups.overloaded,
    9: lambda ups: bool(ups.bypass),
    13: lambda ups: "charger" in ups.faults,
    14: lambda ups: not ups.output_on,
    20: lambda ups: not ups.link_up,
    22: lambda ups: ups.shutdown_pending,
    24: lambda ups: ups.diagnostics.active,
}


class AlarmTable:
    """Active alarms, each with the number it got and the uptime at which it appeared."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int, int]] = {}  # well-known alarm to (upsAlarmId, upsAlarmTime)
        self._next = 1

    def update(self, ups: Ups, uptime_ticks: int) -> bool:
        """Add what began and drop what ended; returns whether the table changed."""
        active = {number for number, present in ALARMS.items() if present(ups)}
        changed = active != self.rows.keys()
        for number in self.rows.keys() - active:
            del self.rows[number]
        for number in sorted(active - self.rows.keys()):
            self.rows[number] = (self._next, uptime_ticks)
            self._next += 1
        return changed

    def instances(self) -> list[Instance]:
        """Return the rows as a card shows them."""
        rows: list[Instance] = []
        for number, (identity, ticks) in self.rows.items():
            rows.append(_instance(2, identity, Tag.OBJECT_IDENTIFIER, WELL_KNOWN.child(number)))
            rows.append(_instance(3, identity, Tag.TIME_TICKS, ticks))
        return rows


def _instance(column: int, identity: int, tag: Tag, value: Value) -> Instance:
    def get(_source: object, _now: Instant) -> Value:
        return value

    return Instance(ENTRY.child(column, identity), tag, get)
