"""Conditions that the readings of a polled device show. A poll is evidence as good as a trap."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ridethrough.gateway.vocabulary import Condition
from ridethrough.mibs import standard_tree
from ridethrough.mibs.powernet import OFF, ON_BATTERY, ON_LINE, OUTPUT_STATUS

BATTERY_STATUS = "upsBasicBatteryStatus"
LINE_VOLTAGE = "upsAdvInputLineVoltage"
FAIL_CAUSE = "upsAdvInputLineFailCause"
COMM_STATUS = "upsCommStatus"
POLLED = (OUTPUT_STATUS, BATTERY_STATUS, LINE_VOLTAGE, FAIL_CAUSE, COMM_STATUS)
# Polled and shown, but no evidence of any condition: they change all the time.
SHOWN = (
    "upsAdvOutputLoad",
    "upsAdvOutputVoltage",
    "upsAdvBatteryCapacity",
    "upsAdvBatteryTemperature",
    "upsAdvBatteryRunTimeRemaining",
)

_TREE = standard_tree()
SELF_TEST = _TREE.named(FAIL_CAUSE).number("selfTest")
BATTERY_LOW = {
    _TREE.named(BATTERY_STATUS).number("batteryNormal"): False,
    _TREE.named(BATTERY_STATUS).number("batteryLow"): True,
}
LINK_LOST = {_TREE.named(COMM_STATUS).number("ok"): False, _TREE.named(COMM_STATUS).number("noComm"): True}
DEAD_VOLTS = 10  # a line below this is dead, whatever the model

Values = Mapping[str, int]


def _input(values: Values) -> bool | None:
    status = values.get(OUTPUT_STATUS)
    if status == ON_BATTERY:
        return None if values.get(FAIL_CAUSE) == SELF_TEST else True
    if status in ON_LINE:
        return False
    if status in OFF and LINE_VOLTAGE in values:
        return values[LINE_VOLTAGE] < DEAD_VOLTS
    return None


def _battery(values: Values) -> bool | None:
    return BATTERY_LOW.get(values.get(BATTERY_STATUS, 0))


def _output(values: Values) -> bool | None:
    status = values.get(OUTPUT_STATUS)
    return True if status in OFF else False if status in ON_LINE or status == ON_BATTERY else None


def _link(values: Values) -> bool | None:
    return LINK_LOST.get(values.get(COMM_STATUS, 0))


# Condition to a reader: True when the readings show it, False when they show the opposite, None when neither.
FACTS: dict[str, Callable[[Values], bool | None]] = {
    Condition.LINK: _link,
    Condition.INPUT: _input,
    Condition.BATTERY: _battery,
    Condition.OUTPUT: _output,
    Condition.POWER: lambda values: {0: True, 1: False}.get(values.get("chassisPower", -1)),
}
