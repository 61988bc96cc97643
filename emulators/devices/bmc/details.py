"""Sensors and the event log of a BMC, for people: what the device's page of the console lists."""

from __future__ import annotations

from typing import Any

from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire.sdr import THRESHOLD
from ridethrough.wire.sel import SelRecord

UNITS = {1: "°C", 4: "V", 6: "W", 18: "rpm"}  # IPMI 2.0 table 43-15: those of the profiles


def sensor_rows(bmc: Bmc) -> list[dict[str, Any]]:
    """Return each sensor with its value, unit, states and limits."""
    inputs = bmc.sensor_inputs
    shown = []
    for number, sensor in sorted(bmc.sensors.by_number.items()):
        raw = bmc.sensors.reading(number, inputs) if sensor.event_type == THRESHOLD else None
        limits = sensor.thresholds._asdict()
        shown.append(
            {
                "number": number,
                "name": sensor.name,
                "value": None if raw is None else round(sensor.factors.value(raw), 2),
                "unit": UNITS.get(sensor.unit, ""),
                "states": bmc.sensors.states[number],
                "limits": {
                    name: round(sensor.factors.value(limit), 2) for name, limit in limits.items() if limit is not None
                },
            }
        )
    return shown


def log_rows(bmc: Bmc) -> list[dict[str, Any]]:
    """Return the records of the System Event Log."""
    return [_record(record, bmc) for record in bmc.events.log.records]


def _record(record: Any, bmc: Bmc) -> dict[str, Any]:
    if not isinstance(record, SelRecord):
        return {"id": record.record_id, "at_s": record.timestamp, "sensor": "OEM", "text": record.data.hex(" ")}
    sensor = bmc.sensors.by_number.get(record.sensor_number)
    return {
        "id": record.record_id,
        "at_s": record.timestamp,
        "sensor": sensor.name if sensor is not None else f"{record.sensor_number:02X}h",
        "text": f"{'deasserted' if record.deasserted else 'asserted'}, event {record.event_data.hex(' ')}",
    }
