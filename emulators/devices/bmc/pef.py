"""Platform event filtering: which event alerts whom, and what it does to the chassis (IPMI 2.0 section 17)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.chassis import ChassisControl
from ridethrough.wire.sdr import SENSOR_SPECIFIC, THRESHOLD

FILTERS, POLICIES, STRINGS, STRING_BLOCKS = 40, 16, 4, 4
BLOCK = 16
ANY = 0xFF
ENABLED = 0x80
# PlatformEvent severities of a filter, and of a platform event trap (table 17-2).
INFORMATION, OK, NON_CRITICAL, CRITICAL, NON_RECOVERABLE = 0x02, 0x04, 0x08, 0x10, 0x20
ALERT, OFF, RESET, CYCLE, DIAGNOSTIC = 0x01, 0x02, 0x04, 0x08, 0x20
# What a filter asks for, the strongest first (section 17.8), and its bit in the event "PEF action about to be taken".
CHASSIS: tuple[tuple[int, ChassisControl], ...] = (
    (OFF, ChassisControl.POWER_DOWN),
    (CYCLE, ChassisControl.POWER_CYCLE),
    (RESET, ChassisControl.HARD_RESET),
    (DIAGNOSTIC, ChassisControl.DIAGNOSTIC_INTERRUPT),
)
CONTROL_ON, CONTROL_LOG, CONTROL_DELAY, CONTROL_ALERT_DELAY = 0x01, 0x02, 0x04, 0x08
TEMPERATURE, VOLTAGE, FAN, INTRUSION, PROCESSOR, SUPPLY, POWER_UNIT = 0x01, 0x02, 0x04, 0x05, 0x07, 0x08, 0x09
MEMORY, FIRMWARE, LOG, SYSTEM, INTERRUPT, CHIPSET, OS_STOP = 0x0C, 0x0F, 0x10, 0x12, 0x13, 0x19, 0x20
WATCHDOG, SUBSYSTEM, SESSION = 0x23, 0x28, 0x2A
REDUNDANCY = 0x0B
ALERT_POLICY = 1
USE_OWN_GUID = 0x01


class FactoryFilter(NamedTuple):
    """A filter of the factory: events of one sensor type by their offsets, their severity, and what they do."""

    sensor_type: int
    event_type: int
    offsets: tuple[int, ...]
    severity: int
    actions: int = ALERT


DEFAULTS: tuple[FactoryFilter, ...] = (
    FactoryFilter(TEMPERATURE, THRESHOLD, (11,), NON_RECOVERABLE, ALERT | OFF),
    FactoryFilter(TEMPERATURE, THRESHOLD, (9,), CRITICAL),
    FactoryFilter(TEMPERATURE, THRESHOLD, (7,), NON_CRITICAL),
    FactoryFilter(VOLTAGE, THRESHOLD, (2, 9), CRITICAL),
    FactoryFilter(FAN, THRESHOLD, (4,), NON_RECOVERABLE, ALERT | OFF),
    FactoryFilter(FAN, THRESHOLD, (2,), CRITICAL),
    FactoryFilter(FAN, THRESHOLD, (0,), NON_CRITICAL),
    FactoryFilter(FAN, REDUNDANCY, (1, 2), CRITICAL),
    FactoryFilter(INTRUSION, SENSOR_SPECIFIC, (0,), NON_CRITICAL),
    FactoryFilter(PROCESSOR, SENSOR_SPECIFIC, (0, 3, 6, 11), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(PROCESSOR, SENSOR_SPECIFIC, (1,), NON_RECOVERABLE, ALERT | OFF),
    FactoryFilter(PROCESSOR, SENSOR_SPECIFIC, (4,), NON_RECOVERABLE),
    FactoryFilter(PROCESSOR, SENSOR_SPECIFIC, (2, 5, 10), CRITICAL),
    FactoryFilter(SUPPLY, SENSOR_SPECIFIC, (1, 3, 4), CRITICAL),
    FactoryFilter(SUPPLY, SENSOR_SPECIFIC, (2,), NON_CRITICAL),
    FactoryFilter(SUPPLY, REDUNDANCY, (1, 2), CRITICAL),
    FactoryFilter(POWER_UNIT, SENSOR_SPECIFIC, (4, 6), NON_RECOVERABLE),
    FactoryFilter(POWER_UNIT, SENSOR_SPECIFIC, (5,), CRITICAL),
    FactoryFilter(MEMORY, SENSOR_SPECIFIC, (1, 2), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(MEMORY, SENSOR_SPECIFIC, (4, 10), CRITICAL),
    FactoryFilter(MEMORY, SENSOR_SPECIFIC, (5,), NON_CRITICAL),
    FactoryFilter(FIRMWARE, SENSOR_SPECIFIC, (1,), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(FIRMWARE, SENSOR_SPECIFIC, (0,), CRITICAL),
    FactoryFilter(LOG, SENSOR_SPECIFIC, (4, 5), NON_CRITICAL),
    FactoryFilter(SYSTEM, SENSOR_SPECIFIC, (2,), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(INTERRUPT, SENSOR_SPECIFIC, (0, 3), CRITICAL),
    FactoryFilter(INTERRUPT, SENSOR_SPECIFIC, (1, 2, 4, 5, 8, 9, 10), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(CHIPSET, SENSOR_SPECIFIC, (1,), NON_RECOVERABLE, ALERT | OFF),
    FactoryFilter(OS_STOP, SENSOR_SPECIFIC, (0, 1), NON_RECOVERABLE, ALERT | RESET),
    FactoryFilter(WATCHDOG, SENSOR_SPECIFIC, (0,), CRITICAL),
    # What a watchdog does is its own business (section 27.4); the filter only alerts.
    FactoryFilter(WATCHDOG, SENSOR_SPECIFIC, (1, 2, 3), NON_RECOVERABLE),
    FactoryFilter(WATCHDOG, SENSOR_SPECIFIC, (8,), NON_CRITICAL),
    FactoryFilter(SUBSYSTEM, SENSOR_SPECIFIC, (3,), CRITICAL),
    FactoryFilter(SESSION, SENSOR_SPECIFIC, (2, 3), NON_CRITICAL),
)
# Hardware protection is never held back: sensor type, event type, offset.
NEVER_HELD = frozenset(
    {
        (TEMPERATURE, THRESHOLD, 11),
        (FAN, THRESHOLD, 4),
        (PROCESSOR, SENSOR_SPECIFIC, 1),
        (CHIPSET, SENSOR_SPECIFIC, 1),
        (POWER_UNIT, SENSOR_SPECIFIC, 4),
        (POWER_UNIT, SENSOR_SPECIFIC, 5),
        (POWER_UNIT, SENSOR_SPECIFIC, 6),
    }
)


class PlatformEvent(NamedTuple):
    """An event as a filter looks at it (section 17.7)."""

    sensor_type: int
    sensor_number: int
    event_type: int
    event_data: tuple[int, int, int]
    generator: tuple[int, int] = (0x20, 0x00)


class FilterVerdict(NamedTuple):
    """The outcome of filtering: severity, alert policies and an action on the chassis."""

    severity: int
    policies: frozenset[int]
    action: ChassisControl | None


def _encode(index: int, row: FactoryFilter) -> bytes:
    """A row of the event filter table (table 17-2), behind its number."""
    mask = sum(1 << offset for offset in row.offsets).to_bytes(2, "little")
    head = bytes((index, ENABLED | 0x40, row.actions, ALERT_POLICY, row.severity, ANY, ANY, row.sensor_type, ANY))
    return head + bytes((row.event_type,)) + mask + bytes(9)


def _filters() -> list[bytes]:
    rows = [_encode(index, row) for index, row in enumerate(DEFAULTS, start=1)]
    return rows + [bytes((index,)) + bytes(20) for index in range(len(rows) + 1, FILTERS + 1)]


def _policies(destinations: int, channel: int) -> list[bytes]:
    """Rows of the policy table: one policy alerts every destination that is configured."""
    rows = [bytes((index, ALERT_POLICY << 4 | 0x08, channel << 4 | index, 0)) for index in range(1, destinations + 1)]
    return rows + [bytes((index, 0, 0, 0)) for index in range(len(rows) + 1, POLICIES + 1)]


@dataclass(slots=True)
class Pef:
    """The configuration of one controller. Tables keep their rows as the commands carry them."""

    control: int = CONTROL_ON | CONTROL_LOG
    actions: int = ALERT | OFF | RESET | CYCLE | DIAGNOSTIC
    startup_delay_s: int = 0
    alert_delay_s: int = 0
    filters: list[bytes] = field(default_factory=_filters)
    policies: list[bytes] = field(default_factory=list)
    guid: bytes = bytes(17)
    string_keys: list[bytes] = field(default_factory=lambda: [bytes((index, 0, 0)) for index in range(STRINGS + 1)])
    strings: dict[tuple[int, int], bytes] = field(default_factory=dict)
    last_software: int = 0
    last_controller: int = 0
    in_progress: int = 0

    @classmethod
    def alerting(cls, destinations: int, channel: int) -> Pef:
        """The factory's, which alerts so many `destinations`."""
        return cls(policies=_policies(destinations, channel))

    def judge(self, event: PlatformEvent) -> FilterVerdict:
        """The outcome of the enabled filters; nothing while filtering is off."""
        matching = [row for row in self.filters if self.control & CONTROL_ON and _matches(row, event)]
        asked = 0
        for row in matching:
            asked |= row[2] & self.actions
        policies = frozenset(row[3] & 0x0F for row in matching if row[2] & self.actions & ALERT)
        action = next((action for bit, action in CHASSIS if asked & bit), None)
        return FilterVerdict(max((row[4] for row in matching), default=0), policies, action)

    def destinations(self, policies: frozenset[int], channel: int) -> list[int]:
        """Selectors of the destinations that these policies name on a channel, in the table's order."""
        chosen = [
            row[2] & 0x0F
            for row in self.policies
            if row[1] & 0x08 and row[1] >> 4 in policies and row[2] >> 4 == channel and row[2] & 0x0F
        ]
        return list(dict.fromkeys(chosen))

    @property
    def own_guid(self) -> bytes | None:
        """The GUID that traps are to carry; None where they carry the controller's own (table 30-6, parameter 10)."""
        return self.guid[1:] if self.guid[0] & USE_OWN_GUID else None

    def dump_state(self) -> dict[str, Any]:
        """The part that survives a loss of power, as JSON."""
        return {
            "control": self.control,
            "actions": self.actions,
            "delays": [self.startup_delay_s, self.alert_delay_s],
            "filters": [row.hex() for row in self.filters],
            "policies": [row.hex() for row in self.policies],
            "guid": self.guid.hex(),
            "string_keys": [row.hex() for row in self.string_keys],
            "strings": [[*at, octets.hex()] for at, octets in self.strings.items()],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned."""
        self.control, self.actions = state["control"], state["actions"]
        self.startup_delay_s, self.alert_delay_s = state["delays"]
        self.filters = [bytes.fromhex(row) for row in state["filters"]]
        self.policies = [bytes.fromhex(row) for row in state["policies"]]
        self.guid = bytes.fromhex(state["guid"])
        self.string_keys = [bytes.fromhex(row) for row in state["string_keys"]]
        self.strings = {(key, block): bytes.fromhex(octets) for key, block, octets in state["strings"]}


def never_held(event: PlatformEvent) -> bool:
    """True for an event at which the hardware protects itself at once."""
    return (event.sensor_type, event.event_type, event.event_data[0] & 0x0F) in NEVER_HELD


def _matches(row: bytes, event: PlatformEvent) -> bool:
    """Section 17.7. Row: number, configuration, actions, policy, severity, generator, sensor, trigger, masks."""
    if not row[1] & ENABLED:
        return False
    wanted = zip(row[5:10], (*event.generator, event.sensor_type, event.sensor_number, event.event_type), strict=True)
    if any(want not in (ANY, have) for want, have in wanted):
        return False
    if not int.from_bytes(row[10:12], "little") >> (event.event_data[0] & 0x0F) & 1:
        return False
    tests = (row[12:15], row[15:18], row[18:21])
    return all(_fits(octet, *test) for octet, test in zip(event.event_data, tests, strict=True))


def _fits(octet: int, mask: int, exact: int, value: int) -> bool:
    """The comparison of one event data octet: exact bits must all agree, of the others at least one."""
    same = ~((octet & mask) ^ value) & 0xFF
    if exact & ~same:
        return False
    loose = ~exact & 0xFF
    return not loose or bool(same & loose)
