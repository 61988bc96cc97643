"""What the card measures: one row for each object that shows the state of the UPS.

Whole units are cut, not rounded, and each is the tenth of its high-precision twin: both are views of one number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.snmp import Getter
from ridethrough.emulators.devices.ups.bypass import FLAGS as BYPASS_FLAGS
from ridethrough.emulators.devices.ups.controls import Status
from ridethrough.emulators.devices.ups.diagnostics import Kind
from ridethrough.emulators.devices.ups.faults import TROUBLES
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import Value

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.model import Ups

Reading = Callable[["Ups", Instant], Value]

MINUTE_TICKS = 6000
FLAGS = 64
# Positions in upsBasicStateOutputState, from the left, counted from 1.
FLAG_ON_BATTERY, FLAG_LOW_BATTERY, FLAG_ON_LINE = 2, 3, 4
FLAG_REPLACE, FLAG_LINK, FLAG_BOOST, FLAG_TRIM, FLAG_OVERLOAD, FLAG_CALIBRATION = 5, 6, 7, 8, 9, 10
FLAG_SLEEPING, FLAG_WAITING, FLAG_OUTPUT_ON, FLAG_SELF_TEST = 17, 18, 19, 29
FLAG_REBOOTING, FLAG_SHUTDOWN, FLAG_LOW_OR_ON_BATTERY, FLAG_OUTPUT_OFF = 20, 22, 30, 58
FLAG_ABNORMAL, FLAG_DISCHARGED, FLAG_TOO_WARM = 1, 11, 26
CONDITIONS = 32  # in upsAdvStateAbnormalConditions
# upsOutputSource of RFC 1628 by the card's own output status.
SOURCES: dict[Status, int] = {
    Status.UNKNOWN: 1,
    Status.SOFTWARE_BYPASS: 4,
    Status.SWITCHED_BYPASS: 4,
    Status.HARDWARE_BYPASS: 4,
    Status.ON_BATTERY: 5,
    Status.ON_SMART_BOOST: 6,
    Status.ON_SMART_TRIM: 7,
}
NO_OUTPUT = 2


def _charge(ups: Ups, now: Instant) -> float:
    # The small addition keeps 0.29 * 100 from becoming 28.
    return 100 * ups.battery.charge.at(now) + 1e-9


def _flags(ups: Ups, _now: Instant) -> Value:
    return _bits(FLAGS, flags(ups)) if ups.link_up else b"UNKNOWN"


def flags(ups: Ups) -> set[int]:
    """What holds of the UPS now, by positions in upsBasicStateOutputState."""
    status = ups.status
    shown = {
        FLAG_ABNORMAL: bool(ups.abnormal),
        FLAG_LINK: True,
        FLAG_ON_LINE: ups.output_on and not ups.on_battery,
        FLAG_REPLACE: ups.replace_battery,
        FLAG_BOOST: status is Status.ON_SMART_BOOST,
        FLAG_TRIM: status is Status.ON_SMART_TRIM,
        FLAG_OVERLOAD: ups.overloaded,
        FLAG_CALIBRATION: ups.diagnostics.running is Kind.CALIBRATION,
        FLAG_DISCHARGED: ups.discharged,
        FLAG_TOO_WARM: ups.too_warm,
        FLAG_SELF_TEST: ups.diagnostics.running is Kind.SELF_TEST,
        FLAG_ON_BATTERY: ups.on_battery,
        FLAG_LOW_BATTERY: ups.battery.low,
        FLAG_LOW_OR_ON_BATTERY: ups.battery.low or ups.on_battery,
        FLAG_OUTPUT_ON: ups.output_on,
        FLAG_OUTPUT_OFF: not ups.output_on,
        FLAG_SLEEPING: status is Status.TIMED_SLEEPING,
        FLAG_WAITING: status is Status.SLEEPING_UNTIL_POWER_RETURN,
        FLAG_REBOOTING: status is Status.REBOOTING,
        FLAG_SHUTDOWN: ups.in_grace,
        BYPASS_FLAGS.get(ups.bypass, 0): True,
        **{TROUBLES[word].flag: True for word in ups.troubles},
    }
    return {position for position, on in shown.items() if on}


def _bits(width: int, positions: Collection[int]) -> bytes:
    """Ones at `positions`, counted from 1 at the left."""
    return "".join("1" if position in positions else "0" for position in range(1, width + 1)).encode()


def _battery_status(ups: Ups, _now: Instant) -> Value:
    if not ups.link_up:
        return 1
    return 3 if ups.battery.low else 2


def _celsius(ups: Ups, now: Instant) -> float:
    # A gauge has no room for frost.
    return max(0.0, ups.battery.celsius.at(now)) + 1e-9


def _current(ups: Ups, _now: Instant) -> float:
    return ups.load_w / ups.output.volts if ups.output.volts else 0.0


def _ticks_left(ups: Ups, now: Instant) -> int:
    step = ups.profile.card.runtime_step_ticks
    return int(ups.runtime_s(now) * 100) // step * step


def _source(ups: Ups, _now: Instant) -> Value:
    if ups.status is Status.ON_LINE:
        return ups.profile.card.online_source
    return SOURCES.get(ups.status, NO_OUTPUT)


READINGS: dict[str, Reading] = {
    # --- battery
    "upsBasicBatteryStatus.0": _battery_status,
    "upsBasicBatteryTimeOnBattery.0": lambda ups, now: ups.ticks_on_battery(now),
    "upsAdvBatteryCapacity.0": lambda ups, now: int(_charge(ups, now)),
    "upsHighPrecBatteryCapacity.0": lambda ups, now: int(10 * _charge(ups, now)),
    "upsAdvBatteryTemperature.0": lambda ups, now: int(_celsius(ups, now)),
    "upsHighPrecBatteryTemperature.0": lambda ups, now: int(10 * _celsius(ups, now)),
    "upsAdvBatteryRunTimeRemaining.0": _ticks_left,
    "upsAdvBatteryNumOfBattPacks.0": lambda ups, _: ups.battery.packs,
    "upsAdvBatteryReplaceIndicator.0": lambda ups, _: 2 if ups.replace_battery else 1,
    "upsAdvBatteryActualVoltage.0": lambda ups, now: int(ups.battery.volts(now, discharging=ups.on_battery)),
    "upsHighPrecBatteryActualVoltage.0": lambda ups, now: int(10 * ups.battery.volts(now, discharging=ups.on_battery)),
    # --- input
    "upsAdvInputLineVoltage.0": lambda ups, _: int(ups.inlet.supply.value.volts),
    "upsHighPrecInputLineVoltage.0": lambda ups, _: int(10 * ups.inlet.supply.value.volts),
    "upsAdvInputMaxLineVoltage.0": lambda ups, now: int(ups.line.extremes(now)[1]),
    "upsHighPrecInputMaxLineVoltage.0": lambda ups, now: int(10 * ups.line.extremes(now)[1]),
    "upsAdvInputMinLineVoltage.0": lambda ups, now: int(ups.line.extremes(now)[0]),
    "upsHighPrecInputMinLineVoltage.0": lambda ups, now: int(10 * ups.line.extremes(now)[0]),
    "upsAdvInputFrequency.0": lambda ups, _: int(ups.inlet.supply.value.hertz),
    "upsHighPrecInputFrequency.0": lambda ups, _: int(10 * ups.inlet.supply.value.hertz),
    "upsAdvInputLineFailCause.0": lambda ups, _: int(ups.line.cause),
    # --- output
    "upsBasicOutputStatus.0": lambda ups, _: int(ups.status),
    "upsAdvOutputVoltage.0": lambda ups, _: int(ups.output.volts),
    "upsHighPrecOutputVoltage.0": lambda ups, _: int(10 * ups.output.volts),
    "upsAdvOutputFrequency.0": lambda ups, _: int(ups.output.hertz),
    "upsHighPrecOutputFrequency.0": lambda ups, _: int(10 * ups.output.hertz),
    "upsAdvOutputLoad.0": lambda ups, _: int(100 * ups.load),
    "upsHighPrecOutputLoad.0": lambda ups, _: int(1000 * ups.load),
    "upsAdvOutputCurrent.0": lambda ups, now: int(_current(ups, now)),
    "upsHighPrecOutputCurrent.0": lambda ups, now: int(10 * _current(ups, now)),
    # --- tests
    "upsAdvTestDiagnosticsResults.0": lambda ups, _: int(ups.diagnostics.result),
    "upsAdvTestLastDiagnosticsDate.0": lambda ups, _: ups.diagnostics.tested_on.encode(),
    "upsAdvTestCalibrationResults.0": lambda ups, _: int(ups.diagnostics.calibration),
    "upsAdvTestCalibrationDate.0": lambda ups, _: ups.diagnostics.calibrated_on.encode(),
    # --- link, state, card
    "upsCommStatus.0": lambda ups, _: 1 if ups.link_up else 2,
    "upsBasicStateOutputState.0": _flags,
    "upsAdvStateAbnormalConditions.0": lambda ups, _: _bits(CONDITIONS, ups.abnormal) if ups.link_up else b"UNKNOWN",
    # --- RFC 1628: the same state once more
    "upsBatteryStatus.0": _battery_status,
    "upsSecondsOnBattery.0": lambda ups, now: ups.ticks_on_battery(now) // 100,
    "upsEstimatedMinutesRemaining.0": lambda ups, now: _ticks_left(ups, now) // MINUTE_TICKS,
    "upsEstimatedChargeRemaining.0": lambda ups, now: int(_charge(ups, now)),
    "upsBatteryVoltage.0": lambda ups, now: int(10 * ups.battery.volts(now, discharging=ups.on_battery)),
    "upsBatteryTemperature.0": lambda ups, now: int(_celsius(ups, now)),
    "upsInputFrequency.1": lambda ups, _: int(10 * ups.inlet.supply.value.hertz),
    "upsInputVoltage.1": lambda ups, _: int(ups.inlet.supply.value.volts),
    "upsOutputSource.0": _source,
    "upsOutputFrequency.0": lambda ups, _: int(10 * ups.output.hertz),
    "upsOutputVoltage.1": lambda ups, _: int(ups.output.volts),
    "upsOutputCurrent.1": lambda ups, now: int(10 * _current(ups, now)),
    "upsOutputPercentLoad.1": lambda ups, _: int(100 * ups.load),
    "upsBypassFrequency.0": lambda ups, _: int(10 * ups.inlet.supply.value.hertz),
    # Cards show the current of the output here, bypass or not.
    "upsBypassCurrent.1": lambda ups, now: int(10 * _current(ups, now)),
    "upsAlarmsPresent.0": lambda ups, _: len(ups.card.alarms.rows),
}

# What the card knows of itself; a frozen card still counts its time.
CARD_READINGS: dict[str, Getter] = {
    "sysUpTime.0": lambda card, now: card.uptime_ticks(now),
    "mtrapargsInteger.0": lambda _card, _now: 0,
    "mtrapargsString.0": lambda card, _now: card.last_text,
    "mconfigClockDate.0": lambda card, now: card.clock.date(now).encode(),
    "mconfigClockTime.0": lambda card, now: card.clock.time(now).encode(),
}
