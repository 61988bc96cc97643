"""RFC 1628 as a second way to the same UPS: tests, control and alarms."""

from __future__ import annotations

import pytest

from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Tag
from tests.emulators.rig import Desk, american
from tests.emulators.test_ups_card import walk

TESTS = Oid.parse("1.3.6.1.2.1.33.1.7.7")
ALARMS = "1.3.6.1.2.1.33.1.6.2"


def alarms(desk: Desk) -> set[int]:
    """Last arcs of the well-known alarms in the table."""
    values = [bind.value for bind in walk(desk, f"{ALARMS}.1.2")]
    assert desk.get("upsAlarmsPresent.0") == len(values)
    return {value[-1] for value in values if isinstance(value, Oid)}


def test_a_quick_test_and_its_results() -> None:
    desk = american()
    desk.at(100)
    assert desk.set("upsTestSpinLock.0", Tag.INTEGER, 7) is ErrorStatus.INCONSISTENT_VALUE
    assert desk.set("upsTestSpinLock.0", Tag.INTEGER, 1) is ErrorStatus.NO_ERROR
    assert desk.get("upsTestSpinLock.0") == 2
    assert desk.set("upsTestId.0", Tag.OBJECT_IDENTIFIER, TESTS.child(4)) is ErrorStatus.NO_ERROR
    assert desk.get("upsTestResultsSummary.0") == 5
    assert desk.get("upsBasicOutputStatus.0") == 3
    assert desk.get("upsTestStartTime.0") == 10_000
    assert alarms(desk) == {2, 24}
    desk.at(104)
    assert desk.get("upsTestElapsedTime.0") == 400
    desk.at(200)
    assert desk.get("upsTestElapsedTime.0") == 800
    assert desk.get("upsTestResultsSummary.0") == 1
    assert desk.get("upsAdvTestDiagnosticsResults.0") == 1
    assert alarms(desk) == set()
    assert desk.traps() == [10]


def test_a_calibration_is_begun_and_aborted() -> None:
    desk = american()
    desk.set("upsTestId.0", Tag.OBJECT_IDENTIFIER, TESTS.child(5))
    assert desk.get("upsAdvTestCalibrationResults.0") == 3
    desk.set("upsTestId.0", Tag.OBJECT_IDENTIFIER, TESTS.child(2))
    assert desk.get("upsAdvTestCalibrationResults.0") == 5
    assert desk.set("upsTestId.0", Tag.OBJECT_IDENTIFIER, TESTS.child(9)) is ErrorStatus.WRONG_VALUE


@pytest.mark.parametrize(("restart", "back"), [(1, True), (2, False)])
def test_a_shutdown_counts_down_and_comes_back_if_it_should(restart: int, back: bool) -> None:
    desk = american()
    desk.set("upsAutoRestart.0", Tag.INTEGER, restart)
    assert desk.set("upsShutdownAfterDelay.0", Tag.INTEGER, 60) is ErrorStatus.NO_ERROR
    desk.at(20)
    assert desk.get("upsShutdownAfterDelay.0") == 40
    assert 22 in alarms(desk)
    desk.at(59.9)
    assert desk.ups.output_on
    desk.at(67)
    assert not desk.ups.output_on  # the return delay of this card is nil, and yet there is a moment without voltage
    desk.at(68)
    assert desk.ups.output_on is back
    desk.at(600)
    assert desk.ups.output_on is back
    assert desk.get("upsShutdownAfterDelay.0") == -1


def test_a_shutdown_is_called_off() -> None:
    desk = american()
    desk.set("upsShutdownAfterDelay.0", Tag.INTEGER, 60)
    desk.set("upsShutdownAfterDelay.0", Tag.INTEGER, -1)
    desk.at(100)
    assert desk.ups.output_on


def test_a_reboot_with_a_duration() -> None:
    desk = american()
    assert desk.set("upsRebootWithDuration.0", Tag.INTEGER, 301) is ErrorStatus.WRONG_VALUE
    assert desk.set("upsRebootWithDuration.0", Tag.INTEGER, 30) is ErrorStatus.NO_ERROR
    assert not desk.ups.output_on
    desk.at(10)
    assert desk.get("upsRebootWithDuration.0") == 20
    desk.at(30)
    assert desk.ups.output_on


def test_a_start_after_a_delay() -> None:
    desk = american()
    desk.set("upsAdvControlUpsOff.0", Tag.INTEGER, 2)
    assert alarms(desk) == {14}
    desk.set("upsStartupAfterDelay.0", Tag.INTEGER, 15)
    desk.at(5)
    assert desk.get("upsStartupAfterDelay.0") == 10
    desk.at(15)
    assert desk.ups.output_on


def test_alarms_keep_their_number_and_time_while_they_last() -> None:
    desk = american()
    desk.at(10)
    desk.inject("city", "off")
    assert alarms(desk) == {2, 6}
    rows = [(bind.oid, bind.value) for bind in walk(desk, ALARMS)]
    assert [value for oid, value in rows if oid[11] == 3] == [1000, 1000]
    desk.at(50)
    assert [(bind.oid, bind.value) for bind in walk(desk, ALARMS)] == rows
    desk.inject("city", "on")
    assert walk(desk, ALARMS) == []


def test_a_reboot_of_no_time_at_all_takes_a_second() -> None:
    desk = american()
    desk.set("upsRebootWithDuration.0", Tag.INTEGER, 0)
    assert not desk.ups.output_on
    deadline = desk.world.next_deadline()
    assert deadline is not None
    assert deadline > desk.world.now
    desk.at(1)
    assert desk.ups.output_on


def test_a_test_from_before_the_last_start_began_at_no_time_of_this_one() -> None:
    desk = american()
    desk.at(100)
    desk.set("upsTestId.0", Tag.OBJECT_IDENTIFIER, TESTS.child(4))
    desk.at(200)
    assert desk.get("upsTestStartTime.0") == 10_000
    desk.inject("UPS1", "restart")
    desk.at(300)
    assert desk.get("upsTestStartTime.0") == 0
