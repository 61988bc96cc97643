"""Objects of a card's agent, for people: what the device's page of the console lists."""

from __future__ import annotations

from typing import Any

from ridethrough.emulators.devices.ups.snmp.view import UpsView
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import MibTree


def object_rows(view: UpsView, tree: MibTree, now: Instant) -> list[dict[str, Any]]:
    """Return each object with its name, type, value as text, and whether managers may write it."""
    shown = []
    for row in view.instances:
        found = tree.find(row.oid)
        value = row.get(view.source, now)
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
