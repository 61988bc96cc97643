"""Objects, sensors and the event log that a device has for SNMP or IPMI, for the console."""

from __future__ import annotations

from typing import Any

from ridethrough.emulators.bindings.device_types import LabDevice
from ridethrough.emulators.devices.bmc import Bmc, EmulatedBmc
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import MibTree
from ridethrough.wire.sdr import THRESHOLD
from ridethrough.wire.sel import SelRecord

UNITS = {1: "°C", 4: "V", 6: "W", 18: "rpm"}  # IPMI 2.0 table 43-15: those of the profiles


def details_of(device: LabDevice, tree: MibTree, now: Instant) -> dict[str, Any]:
    """Return `objects` of a UPS's card, `sensors` and `log` of a BMC; empty for other devices."""
    if isinstance(device, EmulatedUps):
        return {"objects": _objects(device, tree, now)}
    if isinstance(device, EmulatedBmc):
        bmc = device.model
        return {"sensors": _sensors(bmc), "log": [_record(record, bmc) for record in bmc.events.log.records]}
    return {}


def _objects(ups: EmulatedUps, tree: MibTree, now: Instant) -> list[dict[str, Any]]:
    shown = []
    for row in ups.view.instances:
        found = tree.find(row.oid)
        value = row.get(ups.view.source, now)
        text = found[0].show(value) if found is not None else value
        shown.append(
            {
                "oid": str(row.oid),
                "name": tree.label(row.oid),
                "type": row.tag.name.lower().replace("_", " "),
                "value": _text(text),
                "writable": row.check is not None,
            }
        )
    return shown


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _sensors(bmc: Bmc) -> list[dict[str, Any]]:
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
