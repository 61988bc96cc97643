"""Physics and orders of the UPS, with time as a number."""

from __future__ import annotations

from typing import Any

import pytest

from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.wire.snmp import ErrorStatus, Tag
from tests.emulators.rig import PLANT, Desk, american


def order(desk: Desk, control: str, value: int) -> ErrorStatus:
    return desk.set(f"{control}.0", Tag.INTEGER, value)


def quiet(plant: dict[str, Any] | None = None) -> Desk:
    desk = Desk(plant)
    desk.traps()
    return desk


def test_an_outage_and_its_end() -> None:
    desk = quiet()
    desk.at(10)
    desk.inject("city", "off")
    assert desk.traps() == [5]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_BATTERY
    assert desk.get("upsAdvInputLineVoltage.0") == 0
    assert desk.get("upsAdvOutputVoltage.0") == 100
    assert desk.get("upsAdvInputLineFailCause.0") == 6  # momentary so far
    desk.at(70)
    assert desk.get("upsAdvInputLineFailCause.0") == 4
    assert desk.get("upsBasicBatteryTimeOnBattery.0") == 6000
    assert desk.get("upsAdvInputMinLineVoltage.0") == 0
    desk.inject("city", "on")
    assert desk.traps() == [9]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    assert desk.get("upsBasicBatteryTimeOnBattery.0") == 0
    assert desk.get("upsAdvInputLineFailCause.0") == 4  # of the last transfer, for good
    desk.at(131)
    assert desk.get("upsAdvInputMinLineVoltage.0") == 100


def test_runtime_follows_the_recorded_card() -> None:
    # The recording: 21 % load and a full battery give 78 minutes.
    desk = quiet()
    runtime_ticks = desk.get("upsAdvBatteryRunTimeRemaining.0")
    load = desk.get("upsAdvOutputLoad.0")
    assert load == 21
    assert isinstance(runtime_ticks, int)
    assert runtime_ticks % 6000 == 0
    assert 70 <= runtime_ticks // 6000 <= 80


def test_a_battery_runs_low_then_out_and_the_output_returns_by_itself() -> None:
    desk = quiet()
    desk.inject("city", "off")
    desk.inject("UPS1", "charge", "5")
    full_s = desk.ups.runtime_s(desk.world.now)
    desk.traps()
    desk.at(full_s - 121)
    assert desk.traps() == []
    desk.at(full_s - 119)
    assert desk.traps() == [7]
    assert desk.get("upsBasicBatteryStatus.0") == 3
    desk.at(full_s + 1)
    assert desk.traps() == [13]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.SLEEPING_UNTIL_POWER_RETURN
    assert desk.server.snapshot(desk.world.now)["power"] == "off"
    desk.inject("city", "on")
    back = desk.world.now / 1000
    desk.at(back + 59)
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.SLEEPING_UNTIL_POWER_RETURN
    desk.at(back + 61)
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    # Empty at first, so that another failure would be the end; then charged enough.
    assert set(desk.traps()) == {14, 9, 4, 38, 11}


def test_conserve_goes_off_exactly_at_the_delay_and_wakes_after_power() -> None:
    desk = quiet()
    desk.inject("city", "off")
    desk.at(100)
    assert order(desk, "upsBasicControlConserveBattery", 2) is ErrorStatus.NO_ERROR
    assert desk.get("upsBasicControlConserveBattery.0") == 1
    desk.at(399.999)
    assert desk.ups.output_on
    desk.at(400)
    assert not desk.ups.output_on
    assert desk.traps() == [5, 39, 13]
    assert desk.get("upsAdvOutputVoltage.0") == 0
    desk.at(500)
    desk.inject("city", "on")
    desk.at(559.999)
    assert not desk.ups.output_on
    desk.at(560)
    assert desk.ups.output_on
    assert desk.traps() == [14, 9]


def test_conserve_still_goes_off_when_power_returns_during_the_grace() -> None:
    desk = quiet()
    desk.inject("city", "off")
    order(desk, "upsBasicControlConserveBattery", 2)
    desk.at(100)
    desk.inject("city", "on")
    desk.at(300)
    assert not desk.ups.output_on
    desk.at(360)
    assert desk.ups.output_on


@pytest.mark.parametrize(
    ("control", "value", "delay", "status", "traps", "returns"),
    [
        ("upsAdvControlUpsOff", 2, 0, OutputStatus.OFF, [12], None),
        ("upsAdvControlUpsOff", 3, 540, OutputStatus.OFF, [39, 12], None),
        ("upsAdvControlRebootShutdownUps", 2, 300, OutputStatus.REBOOTING, [39, 15], 360),
        ("upsAdvControlRebootShutdownUps", 3, 540, OutputStatus.REBOOTING, [39, 15], 600),
        ("upsAdvControlUpsSleep", 2, 300, OutputStatus.TIMED_SLEEPING, [39, 13], 300 + 360 + 60),
    ],
)
def test_orders_on_line(
    control: str, value: int, delay: int, status: OutputStatus, traps: list[int], returns: int | None
) -> None:
    desk = quiet()
    desk.set("upsAdvConfigUpsSleepTime.0", Tag.TIME_TICKS, 36000)
    desk.at(10)
    assert order(desk, control, value) is ErrorStatus.NO_ERROR
    if delay:
        desk.at(10 + delay - 0.001)
        assert desk.ups.output_on
        desk.at(10 + delay)
    assert not desk.ups.output_on
    assert desk.get("upsBasicOutputStatus.0") == status
    assert desk.traps() == traps
    if returns is None:
        desk.at(100_000)
        assert not desk.ups.output_on
        assert order(desk, "upsAdvControlTurnOnUPS", 2) is ErrorStatus.NO_ERROR
        assert desk.ups.output_on
    else:
        desk.at(10 + returns - 0.001)
        assert not desk.ups.output_on
        desk.at(10 + returns)
        assert desk.ups.output_on


@pytest.mark.parametrize(("value", "delay"), [(2, 0), (3, 90)])
def test_a_reboot_with_or_without_input_comes_back_on_battery(value: int, delay: int) -> None:
    desk = american()
    desk.inject("city", "off")
    assert order(desk, "upsAdvControlRebootUpsWithOrWithoutAC", value) is ErrorStatus.NO_ERROR
    desk.at(delay)
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.REBOOTING
    desk.at(delay + 7.9)
    assert not desk.ups.output_on
    desk.at(delay + 8)
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_BATTERY


def test_the_graceful_forms_wait_for_the_slowest_client_first() -> None:
    desk = american()
    assert desk.set("upsAdvConfigMaxShutdownTime.0", Tag.INTEGER, 3) is ErrorStatus.NO_ERROR
    order(desk, "upsAdvControlUpsOff", 3)
    desk.at(3 * 60 + 90 - 0.1)
    assert desk.ups.output_on
    desk.at(3 * 60 + 90)
    assert not desk.ups.output_on


def test_turning_on_with_the_return_delay() -> None:
    desk = quiet()
    order(desk, "upsAdvControlUpsOff", 2)
    order(desk, "upsAdvControlTurnOnUPS", 4)
    desk.at(59.9)
    assert not desk.ups.output_on
    desk.at(60)
    assert desk.ups.output_on
    assert desk.traps() == [12, 30]


def test_a_sleep_that_outlasts_the_power_waits_for_it() -> None:
    desk = quiet()
    order(desk, "upsAdvControlUpsSleep", 2)
    desk.at(300)
    desk.inject("city", "off")
    desk.at(1000)
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.SLEEPING_UNTIL_POWER_RETURN
    desk.inject("city", "on")
    desk.at(1060)
    assert desk.ups.output_on


def test_the_minimum_charge_is_waited_for() -> None:
    desk = quiet()
    desk.set("upsAdvConfigMinReturnCapacity.0", Tag.INTEGER, 50)
    desk.at(20)
    order(desk, "upsAdvControlRebootShutdownUps", 2)
    desk.at(320)
    desk.inject("UPS1", "charge", "40")
    # From 40 to 50 % at 100 % in 10,800 s, then the return delay.
    desk.at(320 + 1080 + 59)
    assert not desk.ups.output_on
    desk.at(320 + 1080 + 61)
    assert desk.ups.output_on


@pytest.mark.parametrize(
    ("volts", "status", "cause"),
    [
        (100, OutputStatus.ON_LINE, 1),
        (91, OutputStatus.ON_BATTERY, 3),
        (109, OutputStatus.ON_BATTERY, 2),
        (20, OutputStatus.ON_BATTERY, 4),
        (92, OutputStatus.ON_SMART_BOOST, 1),
        (96, OutputStatus.ON_LINE, 1),
        (104, OutputStatus.ON_LINE, 1),
        (108, OutputStatus.ON_SMART_TRIM, 1),
    ],
)
def test_the_accepted_window(volts: int, status: OutputStatus, cause: int) -> None:
    desk = quiet()
    desk.inject("city", "volts", str(volts))
    desk.at(6)
    assert desk.get("upsBasicOutputStatus.0") == status
    assert desk.get("upsAdvInputLineFailCause.0") == cause
    assert desk.get("upsAdvInputLineVoltage.0") == volts


def test_a_lost_serial_link() -> None:
    desk = quiet()
    desk.inject("UPS1", "link_down")
    assert desk.get("upsCommStatus.0") == 2
    assert desk.get("upsBasicOutputStatus.0") == 1
    desk.inject("UPS1", "link_up")
    assert desk.traps() == [1, 8]


@pytest.mark.parametrize(
    ("volts", "status", "begins", "ends"),
    [(93, OutputStatus.ON_SMART_BOOST, 6, 34), (107, OutputStatus.ON_SMART_TRIM, 31, 35)],
)
def test_a_low_or_high_line_is_regulated_without_the_battery(
    volts: int, status: OutputStatus, begins: int, ends: int
) -> None:
    desk = quiet()
    desk.inject("city", "volts", str(volts))
    assert desk.traps() == [begins]
    assert desk.get("upsBasicOutputStatus.0") == status
    output = desk.get("upsAdvOutputVoltage.0")
    assert isinstance(output, int)
    assert abs(output - 100) < abs(volts - 100)
    assert desk.get("upsAdvBatteryCapacity.0") == 100
    desk.inject("city", "volts", "100")
    assert desk.traps() == [ends]
    desk.inject("city", "volts", str(volts))
    desk.inject("city", "off")
    assert desk.traps() == [begins, ends, 5]


def test_a_self_test_moves_the_load_and_is_no_outage() -> None:
    desk = quiet()
    desk.at(10)
    assert order(desk, "upsAdvTestDiagnostics", 2) is ErrorStatus.NO_ERROR
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 4
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_BATTERY
    assert desk.get("upsAdvInputLineFailCause.0") == 9
    desk.at(18)
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 1
    assert desk.get("upsAdvTestLastDiagnosticsDate.0") == b"01/01/2000"
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    assert desk.traps() == [10]
    assert desk.get("upsAdvTestDiagnostics.0") == 1


def test_self_tests_follow_their_schedule() -> None:
    desk = quiet()
    day = 86_400
    desk.at(14 * day - 1)
    assert desk.traps() == []
    desk.at(14 * day + 8)
    assert desk.traps() == [10]  # every second week from the factory
    desk.set("upsAdvTestDiagnosticSchedule.0", Tag.INTEGER, 3)
    desk.at(21 * day + 8)
    assert desk.traps() == [10]
    desk.set("upsAdvTestDiagnosticSchedule.0", Tag.INTEGER, 5)  # never
    desk.at(100 * day)
    assert desk.traps() == []


def test_a_failed_self_test_asks_for_a_new_battery_until_it_comes() -> None:
    desk = quiet()
    desk.inject("UPS1", "battery_bad")
    assert desk.get("upsAdvBatteryReplaceIndicator.0") == 1
    order(desk, "upsAdvTestDiagnostics", 2)
    desk.at(8)
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 2
    assert desk.get("upsAdvBatteryReplaceIndicator.0") == 2
    assert desk.traps() == [3, 17]
    desk.inject("UPS1", "battery_replaced")
    assert desk.get("upsAdvBatteryReplaceIndicator.0") == 1
    assert desk.traps() == [36]
    order(desk, "upsAdvTestDiagnostics", 2)
    desk.at(20)
    assert desk.traps() == [10]


def test_a_self_test_that_cannot_run_is_invalid() -> None:
    desk = quiet()
    desk.inject("UPS1", "charge", "20")
    order(desk, "upsAdvTestDiagnostics", 2)
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 3
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    desk.inject("UPS1", "charge", "100")
    order(desk, "upsAdvTestDiagnostics", 2)
    desk.at(2)
    desk.inject("city", "off")  # the real thing takes over
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 3
    assert desk.traps() == [5]
    desk.at(60)
    desk.inject("city", "on")
    assert desk.traps() == [9]


def test_a_simulated_failure_looks_like_one() -> None:
    desk = quiet()
    assert order(desk, "upsAdvControlSimulatePowerFail", 2) is ErrorStatus.NO_ERROR
    assert desk.traps() == [5]
    assert desk.get("upsAdvInputLineFailCause.0") == 9
    desk.at(10)
    assert desk.traps() == [9]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE


def test_a_calibration_discharges_to_a_quarter() -> None:
    desk = quiet()
    full_s = desk.ups.runtime_s(desk.world.now)
    order(desk, "upsAdvTestRuntimeCalibration", 2)
    assert desk.traps() == [28]
    assert desk.get("upsAdvTestCalibrationResults.0") == 3
    desk.at(0.74 * full_s)
    assert desk.get("upsAdvTestCalibrationResults.0") == 3
    desk.at(0.76 * full_s)
    assert desk.get("upsAdvTestCalibrationResults.0") == 1
    assert desk.traps() == [37]
    assert desk.get("upsBasicOutputStatus.0") == OutputStatus.ON_LINE
    order(desk, "upsAdvTestRuntimeCalibration", 2)  # no longer full
    assert desk.get("upsAdvTestCalibrationResults.0") == 2


def test_a_calibration_is_cancelled_or_aborted() -> None:
    for end in ("cancel", "outage"):
        desk = quiet()
        order(desk, "upsAdvTestRuntimeCalibration", 2)
        desk.at(100)
        if end == "cancel":
            order(desk, "upsAdvTestRuntimeCalibration", 3)
        else:
            desk.inject("city", "off")
        assert desk.get("upsAdvTestCalibrationResults.0") == 5
        assert desk.traps() == [28, 37] + ([5] if end == "outage" else [])


def test_an_overload_is_told_and_taken_back() -> None:
    server = PLANT["servers"]["server1"] | {"load_w": 1200}
    desk = Desk(PLANT | {"servers": {"server1": server}})
    desk.traps()
    assert desk.get("upsAdvOutputLoad.0") == 127
    desk.inject("server1", "power_button")
    desk.at(61)
    assert desk.traps() == [33]
    desk.inject("server1", "power_button")
    assert desk.traps() == [2]


def test_orders_without_effect_on_this_model() -> None:
    desk = quiet()
    assert order(desk, "upsAdvControlFlashAndBeep", 2) is ErrorStatus.NO_ERROR
    assert order(desk, "upsAdvControlBypassSwitch", 1) is ErrorStatus.NO_ERROR
    assert order(desk, "upsAdvControlBypassSwitch", 2) is ErrorStatus.WRONG_VALUE
    assert desk.traps() == []
