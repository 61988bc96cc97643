"""Outlet groups as objects: name, state, and the command of each."""

from __future__ import annotations

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.snmp.rows import RowAccess, Rows, any_number
from ridethrough.emulators.devices.ups.snmp.source import Applier, Getter, Source
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import Value

STATE_ON, STATE_OFF = 1, 2
PENDING, NOT_PENDING = 1, 2


def outlet_group_rows(profile: Profile) -> Rows:
    """Return the rows of every group that the model has."""
    rows: Rows = {}
    for index in profile.outlet_groups:
        for table in ("Status", "Control"):
            rows[f"upsOutletGroup{table}Name.{index}"] = RowAccess(_name(index))
        rows[f"upsOutletGroupStatusGroupState.{index}"] = RowAccess(_state(index))
        rows[f"upsOutletGroupStatusCommandPending.{index}"] = RowAccess(_pending(index))
        rows[f"upsOutletGroupControlCommand.{index}"] = RowAccess(_state(index), any_number, _command(index))
    return rows


def _name(index: int) -> Getter:
    return lambda source, _now: source.card.stored.text(f"upsOutletGroupConfigName.{index}")


def _state(index: int) -> Getter:
    def get(source: Source, _now: Instant) -> Value:
        return STATE_ON if source.ups.output_on and source.ups.outlet_groups.groups[index].on else STATE_OFF

    return get


def _pending(index: int) -> Getter:
    return lambda source, _now: PENDING if source.ups.outlet_groups.groups[index].pending else NOT_PENDING


def _command(index: int) -> Applier:
    def apply(source: Source, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            source.ups.outlet_groups.execute(index, value, now)

    return apply
