"""One row for each object that shows the state of the UPS.

Whole units are cut, not rounded, and each is the tenth of its high-precision twin: both are views of one number.
"""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.settings import MINUTE_TICKS
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.emulators.devices.ups.snmp.flags import abnormal_conditions, output_flags
from ridethrough.emulators.devices.ups.snmp.rows import RowAccess, Rows, constant
from ridethrough.emulators.kernel.instant import Instant, ticks_between
from ridethrough.wire.snmp import Value

Reading = Callable[[Ups, Instant], Value]

# upsOutputSource of RFC 1628 by the card's own output status.
SOURCES: dict[OutputStatus, int] = {
    OutputStatus.UNKNOWN: 1,
    OutputStatus.SOFTWARE_BYPASS: 4,
    OutputStatus.SWITCHED_BYPASS: 4,
    OutputStatus.HARDWARE_BYPASS: 4,
    OutputStatus.ON_BATTERY: 5,
    OutputStatus.ON_SMART_BOOST: 6,
    OutputStatus.ON_SMART_TRIM: 7,
}
NO_OUTPUT = 2


def _charge(ups: Ups, now: Instant) -> float:
    # The small addition keeps 0.29 * 100 from becoming 28.
    return 100 * ups.battery.charge.at(now) + 1e-9


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


def _ticks_on_battery(ups: Ups, now: Instant) -> int:
    since = ups.on_battery_since
    return 0 if since is None else ticks_between(since, now)


def _source(ups: Ups, _now: Instant) -> Value:
    if ups.status is OutputStatus.ON_LINE:
        return ups.profile.card.online_source
    return SOURCES.get(ups.status, NO_OUTPUT)


def _measured(reading: Reading, *, time_dependent: bool = False, initial_from_profile: bool = False) -> RowAccess:
    return RowAccess(
        lambda source, now: reading(source.ups, now),
        measured=True,
        time_dependent=time_dependent,
        initial_from_profile=initial_from_profile,
    )


READINGS: Rows = {
    # battery
    "upsBasicBatteryStatus.0": _measured(_battery_status),
    "upsBasicBatteryTimeOnBattery.0": _measured(_ticks_on_battery, time_dependent=True),
    "upsAdvBatteryCapacity.0": _measured(lambda ups, now: int(_charge(ups, now))),
    "upsHighPrecBatteryCapacity.0": _measured(lambda ups, now: int(10 * _charge(ups, now))),
    "upsAdvBatteryTemperature.0": _measured(lambda ups, now: int(_celsius(ups, now))),
    "upsHighPrecBatteryTemperature.0": _measured(lambda ups, now: int(10 * _celsius(ups, now))),
    "upsAdvBatteryRunTimeRemaining.0": _measured(_ticks_left, time_dependent=True),
    "upsAdvBatteryNumOfBattPacks.0": _measured(lambda ups, _: ups.battery.packs, initial_from_profile=True),
    "upsAdvBatteryReplaceIndicator.0": _measured(lambda ups, _: 2 if ups.replace_battery else 1),
    "upsAdvBatteryActualVoltage.0": _measured(lambda ups, now: int(ups.battery.volts(now, discharging=ups.on_battery))),
    "upsHighPrecBatteryActualVoltage.0": _measured(
        lambda ups, now: int(10 * ups.battery.volts(now, discharging=ups.on_battery))
    ),
    # input
    "upsAdvInputLineVoltage.0": _measured(lambda ups, _: int(ups.inlet.supply.value.volts)),
    "upsHighPrecInputLineVoltage.0": _measured(lambda ups, _: int(10 * ups.inlet.supply.value.volts)),
    "upsAdvInputMaxLineVoltage.0": _measured(lambda ups, now: int(ups.line.extremes(now)[1]), time_dependent=True),
    "upsHighPrecInputMaxLineVoltage.0": _measured(
        lambda ups, now: int(10 * ups.line.extremes(now)[1]), time_dependent=True
    ),
    "upsAdvInputMinLineVoltage.0": _measured(lambda ups, now: int(ups.line.extremes(now)[0]), time_dependent=True),
    "upsHighPrecInputMinLineVoltage.0": _measured(
        lambda ups, now: int(10 * ups.line.extremes(now)[0]), time_dependent=True
    ),
    "upsAdvInputFrequency.0": _measured(lambda ups, _: int(ups.inlet.supply.value.hertz)),
    "upsHighPrecInputFrequency.0": _measured(lambda ups, _: int(10 * ups.inlet.supply.value.hertz)),
    "upsAdvInputLineFailCause.0": _measured(lambda ups, _: int(ups.line.cause)),
    # output
    "upsBasicOutputStatus.0": _measured(lambda ups, _: int(ups.status)),
    "upsAdvOutputVoltage.0": _measured(lambda ups, _: int(ups.output.volts)),
    "upsHighPrecOutputVoltage.0": _measured(lambda ups, _: int(10 * ups.output.volts)),
    "upsAdvOutputFrequency.0": _measured(lambda ups, _: int(ups.output.hertz)),
    "upsHighPrecOutputFrequency.0": _measured(lambda ups, _: int(10 * ups.output.hertz)),
    "upsAdvOutputLoad.0": _measured(lambda ups, _: int(100 * ups.load)),
    "upsHighPrecOutputLoad.0": _measured(lambda ups, _: int(1000 * ups.load)),
    "upsAdvOutputCurrent.0": _measured(lambda ups, now: int(_current(ups, now))),
    "upsHighPrecOutputCurrent.0": _measured(lambda ups, now: int(10 * _current(ups, now))),
    # tests
    "upsAdvTestDiagnosticsResults.0": _measured(lambda ups, _: int(ups.diagnostics.result), initial_from_profile=True),
    "upsAdvTestLastDiagnosticsDate.0": _measured(
        lambda ups, _: ups.diagnostics.tested_on.encode(), initial_from_profile=True
    ),
    "upsAdvTestCalibrationResults.0": _measured(
        lambda ups, _: int(ups.diagnostics.calibration), initial_from_profile=True
    ),
    "upsAdvTestCalibrationDate.0": _measured(
        lambda ups, _: ups.diagnostics.calibrated_on.encode(), initial_from_profile=True
    ),
    # link, state, card
    "upsCommStatus.0": _measured(lambda ups, _: 1 if ups.link_up else 2),
    "upsBasicStateOutputState.0": _measured(output_flags),
    "upsAdvStateAbnormalConditions.0": _measured(abnormal_conditions),
    # RFC 1628: the same state once more
    "upsBatteryStatus.0": _measured(_battery_status),
    "upsSecondsOnBattery.0": _measured(lambda ups, now: _ticks_on_battery(ups, now) // 100, time_dependent=True),
    "upsEstimatedMinutesRemaining.0": _measured(
        lambda ups, now: _ticks_left(ups, now) // MINUTE_TICKS, time_dependent=True
    ),
    "upsEstimatedChargeRemaining.0": _measured(lambda ups, now: int(_charge(ups, now))),
    "upsBatteryVoltage.0": _measured(lambda ups, now: int(10 * ups.battery.volts(now, discharging=ups.on_battery))),
    "upsBatteryTemperature.0": _measured(lambda ups, now: int(_celsius(ups, now))),
    "upsInputFrequency.1": _measured(lambda ups, _: int(10 * ups.inlet.supply.value.hertz)),
    "upsInputVoltage.1": _measured(lambda ups, _: int(ups.inlet.supply.value.volts)),
    "upsOutputSource.0": _measured(_source),
    "upsOutputFrequency.0": _measured(lambda ups, _: int(10 * ups.output.hertz)),
    "upsOutputVoltage.1": _measured(lambda ups, _: int(ups.output.volts)),
    "upsOutputCurrent.1": _measured(lambda ups, now: int(10 * _current(ups, now))),
    "upsOutputPercentLoad.1": _measured(lambda ups, _: int(100 * ups.load)),
    "upsBypassFrequency.0": _measured(lambda ups, _: int(10 * ups.inlet.supply.value.hertz)),
    # Cards show the current of the output here, bypass or not.
    "upsBypassCurrent.1": _measured(lambda ups, now: int(10 * _current(ups, now))),
    "upsAlarmsPresent.0": RowAccess(lambda source, _: len(source.alarms.rows), measured=True),
}

# What the card knows of itself; a frozen card still counts its time.
CARD_READINGS: Rows = {
    "sysUpTime.0": RowAccess(lambda source, now: source.card.uptime_ticks(now), time_dependent=True),
    "mtrapargsInteger.0": RowAccess(constant(0)),
    "mtrapargsString.0": RowAccess(lambda source, _now: source.card.last_text),
    "mconfigClockDate.0": RowAccess(lambda source, now: source.card.clock.date(now).encode(), time_dependent=True),
    "mconfigClockTime.0": RowAccess(lambda source, now: source.card.clock.time(now).encode(), time_dependent=True),
}
