"""Probes and contacts as objects."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.card.environment import (
    CONNECTED,
    CONTACT_DISABLED,
    CONTACT_FAULT,
    CONTACT_NORMAL,
    ENABLED,
    IEM,
    LIMITS,
    NO_VALUE,
    UIO,
    Limit,
    Measure,
    Probe,
    shown,
)
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.snmp.rows import RowAccess, Rows
from ridethrough.emulators.devices.ups.snmp.source import Getter, Source
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import Value

KEPT, BROKEN, DISABLED = 1, 2, 3  # of the violation columns of the integrated monitor
NORMAL, WARNING, CRITICAL = 1, 2, 3  # uioSensorStatusAlarmStatus
DISCONNECTED, COMMUNICATION_LOST = 1, 3  # of the two families, beside CONNECTED

ProbeReader = Callable[[Source, Probe], Value]


def _fahrenheit(probe: Probe) -> int:
    celsius = probe.values.get(Measure.TEMPERATURE)
    return NO_VALUE if celsius is None or not probe.connected else round(celsius * 1.8 + 32)


def _alarm(probe: Probe) -> int:
    if not probe.broken:
        return NORMAL
    return CRITICAL if any(limit.severe for limit in probe.broken) else WARNING


def _config_text(column: str) -> ProbeReader:
    return lambda source, probe: source.card.stored.text(f"{probe.family.config}{column}.{probe.index}")


def _violation(limit: Limit) -> ProbeReader:
    column = f"{IEM.config}{limit.level}{IEM.words[limit.measure]}"

    def read(source: Source, probe: Probe) -> Value:
        if limit in probe.broken:
            return BROKEN
        off = source.card.stored.number(f"{column}Enable.{probe.index}") != ENABLED
        return DISABLED if off and source.card.stored.number(f"{column}Threshold.{probe.index}") != NO_VALUE else KEPT

    return read


PROBE_COLUMNS: dict[str, ProbeReader] = {
    "iemStatusProbeName": _config_text("Name"),
    "iemStatusProbeLocation": _config_text("Location"),
    "iemStatusProbeStatus": lambda _, probe: CONNECTED if probe.connected else DISCONNECTED,
    "iemStatusProbeCurrentTemp": lambda _, probe: shown(probe, Measure.TEMPERATURE),
    "iemStatusProbeCurrentHumid": lambda _, probe: shown(probe, Measure.HUMIDITY),
    **{f"iemStatusProbe{limit.level}{IEM.words[limit.measure]}Violation": _violation(limit) for limit in LIMITS},
    "uioSensorStatusSensorName": _config_text("SensorName"),
    "uioSensorStatusSensorLocation": _config_text("SensorLocation"),
    "uioSensorStatusTemperatureDegF": lambda _, probe: _fahrenheit(probe),
    "uioSensorStatusTemperatureDegC": lambda _, probe: shown(probe, Measure.TEMPERATURE),
    "uioSensorStatusHumidity": lambda _, probe: shown(probe, Measure.HUMIDITY),
    "uioSensorStatusViolationStatus": lambda _, probe: sum(limit.bit for limit in probe.broken),
    "uioSensorStatusAlarmStatus": lambda _, probe: _alarm(probe),
    "uioSensorStatusCommStatus": lambda _, probe: CONNECTED if probe.connected else COMMUNICATION_LOST,
}


def environment_rows(profile: Profile) -> Rows:
    """Return the status columns that a profile shows."""
    known = {
        index
        for name, _, index in (label.partition(".") for label in profile.instances)
        if name in (IEM.number, UIO.number)
    }
    rows: Rows = {}
    for label in profile.instances:
        name, _, index = label.partition(".")
        if name in PROBE_COLUMNS and index in known:
            rows[label] = RowAccess(_of_probe(PROBE_COLUMNS[name], index))
        elif name == "iemStatusContactStatus":
            rows[label] = RowAccess(_contact_status(int(index)))
        elif name == "iemStatusContactName":
            rows[label] = RowAccess(_contact_name(index))
    return rows


def _of_probe(reader: ProbeReader, index: str) -> Getter:
    return lambda source, _now: reader(source, source.card.environment.probes[index])


def _contact_name(index: str) -> Getter:
    return lambda source, _now: source.card.stored.text(f"iemConfigContactName.{index}")


def _contact_status(index: int) -> Getter:
    def get(source: Source, _now: Instant) -> Value:
        if source.card.stored.number(f"iemConfigContactEnable.{index}") != ENABLED:
            return CONTACT_DISABLED
        return CONTACT_FAULT if source.card.environment.contacts[index].fault else CONTACT_NORMAL

    return get
