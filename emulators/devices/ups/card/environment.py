"""Probes and contacts at the card: their measurements, the limits the card keeps for them, and the traps.

Two generations of cards name the same things differently: the integrated monitor (`iem`) counts probes, the universal
ports (`uio`) count sensors by port. A `Family` holds the names of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from ridethrough.emulators.devices.ups.card.stored import StoredValues
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import Value

ENABLED = 2
NO_VALUE = -1  # how a card says that there is none


class Measure(StrEnum):
    """A quantity that a probe measures."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"


class Limit(NamedTuple):
    """One threshold. `raised` and `cleared` are traps, 0 where a family has none."""

    level: str  # Max, High, Low or Min
    measure: Measure
    bit: int  # in uioSensorStatusViolationStatus
    iem: tuple[int, int]
    uio: tuple[int, int]

    @property
    def above(self) -> bool:
        """True where it is broken by too much rather than by too little."""
        return self.level in ("Max", "High")

    @property
    def severe(self) -> bool:
        """True where breaking it is critical."""
        return self.level in ("Max", "Min")


_T, _H, _NONE = Measure.TEMPERATURE, Measure.HUMIDITY, (0, 0)
LIMITS: tuple[Limit, ...] = (
    Limit("Max", _T, 0x1, _NONE, (519, 520)),
    Limit("High", _T, 0x2, (163, 164), (521, 522)),
    Limit("Low", _T, 0x4, (165, 166), (523, 524)),
    Limit("Min", _T, 0x8, _NONE, (525, 526)),
    Limit("Max", _H, 0x100, _NONE, (535, 536)),
    Limit("High", _H, 0x200, (167, 168), (537, 538)),
    Limit("Low", _H, 0x400, (169, 170), (539, 540)),
    Limit("Min", _H, 0x800, _NONE, (541, 542)),
)


class Family(NamedTuple):
    """Names of the columns of one generation. `number` marks the rows that exist."""

    number: str
    config: str
    status: str
    words: dict[Measure, str]
    shown: dict[Measure, str]
    connected: str
    lost: Trap
    found: Trap


IEM = Family(
    "iemStatusProbeNumber",
    "iemConfigProbe",
    "iemStatusProbe",
    {_T: "Temp", _H: "Humid"},
    {_T: "iemStatusProbeCurrentTemp", _H: "iemStatusProbeCurrentHumid"},
    "iemStatusProbeStatus",
    Trap.PROBE_LOST,
    Trap.PROBE_FOUND,
)
UIO = Family(
    "uioSensorStatusPortID",
    "uioSensorConfig",
    "uioSensorStatus",
    {_T: "Temperature", _H: "Humidity"},
    {_T: "uioSensorStatusTemperatureDegC", _H: "uioSensorStatusHumidity"},
    "uioSensorStatusCommStatus",
    Trap.SENSOR_LOST,
    Trap.SENSOR_FOUND,
)
CONNECTED = 2  # in the connection column of both families


@dataclass(slots=True)
class Probe:
    """A probe in its slot. A measure that is absent has no sensor."""

    family: Family
    index: str
    connected: bool
    values: dict[Measure, float]
    broken: set[Limit] = field(default_factory=set)

    @property
    def arcs(self) -> tuple[int, ...]:
        """The index as it follows a column's number."""
        return tuple(int(part) for part in self.index.split("."))


@dataclass(slots=True)
class Contact:
    """A dry contact."""

    index: int
    fault: bool


class SendTrap(Protocol):
    """Sends a trap with values for its variables, by object name; `index` is that of their instances."""

    def __call__(
        self,
        trap: int,
        now: Instant,
        *,
        values: Mapping[str, Value] | None = None,
        index: tuple[int, ...] | None = None,
        text: str | None = None,
    ) -> None:
        """Queue the trap for every receiver; its text is that of `Trap` unless `text` is given."""


class EnvironmentMonitor:
    """The environment ports of one card. Names and limits are the card's, in `stored`."""

    def __init__(self, profile: Profile, stored: StoredValues, send: SendTrap) -> None:
        self._stored = stored
        self._send = send
        self.probes: dict[str, Probe] = {}
        self.contacts: dict[int, Contact] = {}
        for label in profile.instances:
            name, _, index = label.partition(".")
            for family in (IEM, UIO):
                if name == family.number:
                    self.probes[index] = _probe(profile, family, index)
            if name == "iemStatusContactNumber":
                fault = _recorded(profile, f"iemStatusContactStatus.{index}") == CONTACT_FAULT
                self.contacts[int(index)] = Contact(int(index), fault)

    def judge(self, now: Instant) -> None:
        """Send a trap for every limit that is newly broken or newly kept."""
        for probe in self.probes.values():
            for limit in LIMITS:
                broken = self._breaks(probe, limit)
                if broken is (limit in probe.broken):
                    continue
                (probe.broken.add if broken else probe.broken.remove)(limit)
                pair = limit.iem if probe.family is IEM else limit.uio
                word = "broken" if broken else "kept again"
                text = f"Environment: {limit.level.lower()} {limit.measure} limit of probe {probe.index} {word}."
                self._notify(pair[0 if broken else 1], probe, now, text)

    def _breaks(self, probe: Probe, limit: Limit) -> bool:
        value = probe.values.get(limit.measure)
        column = f"{limit.level}{probe.family.words[limit.measure]}"
        threshold = self._config(probe, f"{column}Threshold")
        if not probe.connected or value is None or self._config(probe, f"{column}Enable") != ENABLED:
            return False
        slack = self._config(probe, f"{probe.family.words[limit.measure]}Hysteresis") if limit in probe.broken else 0
        return value > threshold - slack if limit.above else value < threshold + slack

    def _config(self, probe: Probe, column: str) -> int:
        return self._stored.number(f"{probe.family.config}{column}.{probe.index}")

    def connect(self, probe: Probe, now: Instant, *, connected: bool) -> None:
        """Plug a probe in, or pull it out."""
        if probe.connected is connected:
            return
        probe.connected = connected
        self._notify(probe.family.found if connected else probe.family.lost, probe, now, None)

    def set_contact(self, contact: Contact, now: Instant, *, fault: bool) -> None:
        """Move a contact out of its normal state, or back."""
        if contact.fault is fault:
            return
        contact.fault = fault
        if self._stored.number(f"iemConfigContactEnable.{contact.index}") == ENABLED:
            values: dict[str, Value] = {
                "iemStatusContactNumber": contact.index,
                "iemStatusContactName": self._stored.text(f"iemConfigContactName.{contact.index}"),
            }
            self._send(Trap.CONTACT_FAULT if fault else Trap.CONTACT_NORMAL, now, values=values, index=(contact.index,))

    def _notify(self, trap: int, probe: Probe, now: Instant, text: str | None) -> None:
        if not trap:
            return
        values: dict[str, Value] = {
            "iemStatusProbeNumber": probe.arcs[0],
            "iemStatusProbeName": self._stored.text(f"iemConfigProbeName.{probe.index}"),
            "iemStatusProbeTempUnits": 1,
            "mtrapargsString02": self._stored.text("upsAdvIdentSerialNumber.0"),
            "mtrapargsString03": self._stored.text("sysName.0"),
            "mtrapargsInteger04": 0,
            "mtrapargsInteger": probe.arcs[0],
            "mtrapargsString04": self._stored.text(f"uioSensorConfigSensorName.{probe.index}"),
        }
        for measure, column in probe.family.shown.items():
            values[column] = shown(probe, measure)
        self._send(trap, now, values=values, index=probe.arcs, text=text)


CONTACT_NORMAL, CONTACT_FAULT, CONTACT_DISABLED = 1, 2, 3


def _probe(profile: Profile, family: Family, index: str) -> Probe:
    connected = _recorded(profile, f"{family.connected}.{index}") == CONNECTED
    values = {measure: _recorded(profile, f"{column}.{index}") for measure, column in family.shown.items()}
    # A probe without a humidity sensor shows 0 or -1, by generation.
    present = {
        measure: float(value)
        for measure, value in values.items()
        if value is not None and connected and (measure is _T or value > 0)
    }
    return Probe(family, index, connected, present)


def _recorded(profile: Profile, label: str) -> int | None:
    value = profile.instances.get(label)
    return value if isinstance(value, int) else None


def shown(probe: Probe, measure: Measure) -> int:
    """Return what the card shows of a measure."""
    value = probe.values.get(measure)
    if not probe.connected:
        return NO_VALUE
    if value is None:
        return 0 if probe.family is IEM else NO_VALUE
    return round(value)
