"""Probes, contacts and outlet groups of the cards that have them."""

from __future__ import annotations

import pytest

from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.wire.snmp import ErrorStatus, Tag, Value
from tests.emulators.rig import PLANT, Desk


def card(profile: str, volts: int) -> Desk:
    ups = PLANT["ups"]["UPS1"] | {"profile": profile, "settings": {}}
    servers = {"server1": PLANT["servers"]["server1"] | {"power": ["UPS1/2"]}}
    desk = Desk(PLANT | {"mains": {"city": {"volts": volts}}, "ups": {"UPS1": ups}, "servers": servers})
    desk.traps()
    return desk


def nmc2() -> Desk:
    return card("smart-ups-x-750", 230)


def nmc3() -> Desk:
    return card("smart-ups-li-1000", 120)


def sent(desk: Desk) -> list[tuple[int, list[Value]]]:
    """Numbers and values of the traps since the last look."""
    traps = [(out.trap.specific_trap, [bind.value for bind in out.trap.varbinds]) for out in desk.card.outgoing]
    desk.card.outgoing.clear()
    return traps


def test_a_probe_of_the_integrated_monitor_breaks_its_limit_and_keeps_it_again() -> None:
    desk = nmc2()
    desk.inject("UPS1", "temperature", "1", "41")
    assert desk.get("iemStatusProbeCurrentTemp.1") == 41
    assert sent(desk) == []  # the limit is switched off
    assert desk.get("iemStatusProbeHighTempViolation.1") == 3
    assert desk.set("iemConfigProbeHighTempEnable.1", Tag.INTEGER, 2) is ErrorStatus.NO_ERROR
    number, values = sent(desk)[0]
    assert (number, values[:4]) == (163, [41, 1, 1, b"Port 1 Temp 1"])
    assert desk.get("iemStatusProbeHighTempViolation.1") == 2
    assert desk.set("iemConfigProbeTempHysteresis.1", Tag.INTEGER, 3) is ErrorStatus.NO_ERROR
    desk.inject("UPS1", "temperature", "1", "38")
    assert sent(desk) == []
    desk.inject("UPS1", "temperature", "1", "37")
    assert [number for number, _ in sent(desk)] == [164]
    assert desk.get("iemStatusProbeHighTempViolation.1") == 1


@pytest.mark.parametrize(
    ("level", "celsius", "raised", "cleared", "bit", "alarm"),
    [
        ("Max", 61, 519, 520, 1, 3),
        ("High", 41, 521, 522, 2, 2),
        ("Low", 9, 523, 524, 4, 2),
        ("Min", -1, 525, 526, 8, 3),
    ],
)
def test_sensors_of_the_universal_ports(
    level: str, celsius: int, raised: int, cleared: int, bit: int, alarm: int
) -> None:
    desk = nmc3()
    desk.set(f"uioSensorConfig{level}TemperatureEnable.1.1", Tag.INTEGER, 2)
    desk.inject("UPS1", "temperature", "1.1", str(celsius))
    number, values = sent(desk)[0]
    assert number == raised
    assert values[:5] == [b"AS2233161027", b"Unknown", 0, 1, b"Equipment Room"]
    assert desk.get("uioSensorStatusViolationStatus.1.1") == bit
    assert desk.get("uioSensorStatusAlarmStatus.1.1") == alarm
    assert desk.get("uioSensorStatusTemperatureDegF.1.1") == round(celsius * 1.8 + 32)
    desk.inject("UPS1", "temperature", "1.1", "20")
    assert [number for number, _ in sent(desk)] == [cleared]
    assert desk.get("uioSensorStatusAlarmStatus.1.1") == 1


def test_humidity_where_there_is_a_sensor_for_it() -> None:
    desk = nmc3()
    desk.set("uioSensorConfigHighHumidityEnable.1.1", Tag.INTEGER, 2)
    desk.inject("UPS1", "humidity", "1.1", "70")
    assert [number for number, _ in sent(desk)] == [537]
    assert desk.get("uioSensorStatusHumidity.1.1") == 70
    with pytest.raises(InputError, match="does not measure humidity"):
        desk.inject("UPS1", "humidity", "2.1", "70")
    with pytest.raises(InputError, match=r"accepted: 1\.1, 2\.1"):
        desk.inject("UPS1", "temperature", "9", "70")


@pytest.mark.parametrize(
    ("make", "probe", "lost", "found", "column", "gone"),
    [
        (nmc2, "1", 171, 172, "iemStatusProbeStatus", 1),
        (nmc3, "1.1", 518, 517, "uioSensorStatusCommStatus", 3),
    ],
)
def test_a_probe_pulled_out(make: object, probe: str, lost: int, found: int, column: str, gone: int) -> None:
    assert callable(make)
    desk: Desk = make()
    desk.inject("UPS1", "probe_out", probe)
    assert [number for number, _ in sent(desk)] == [lost]
    assert desk.get(f"{column}.{probe}") == gone
    desk.inject("UPS1", "probe_in", probe)
    assert [number for number, _ in sent(desk)] == [found]


def test_contacts() -> None:
    desk = nmc2()
    assert desk.get("iemStatusContactStatus.1") == 2  # the door of the recording stood open
    desk.inject("UPS1", "contact_normal", "1")
    assert sent(desk) == [(174, [1, b"Door", b"Environment: A contact is back in its normal state."])]
    desk.inject("UPS1", "contact_fault", "2")
    assert [number for number, _ in sent(desk)] == [173]
    assert desk.get("iemStatusContactStatus.2") == 2
    assert desk.set("iemConfigContactName.2", Tag.OCTET_STRING, b"Window") is ErrorStatus.NO_ERROR
    assert desk.get("iemStatusContactName.2") == b"Window"


# --- outlet groups ----------------------------------------------------------------------------------------------

COMMAND = "upsOutletGroupControlCommand.2"
STATE = "upsOutletGroupStatusGroupState.2"
PENDING = "upsOutletGroupStatusCommandPending.2"


def test_a_group_goes_off_and_on_at_once_and_takes_its_consumers_along() -> None:
    desk = nmc2()
    assert desk.set(COMMAND, Tag.INTEGER, 2) is ErrorStatus.NO_ERROR
    assert [(number, values[0]) for number, values in sent(desk)] == [(732, 2), (299, 2)]
    assert (desk.get(COMMAND), desk.get(STATE)) == (2, 2)
    assert desk.get("upsOutletGroupStatusGroupState.1") == 1
    assert desk.server.snapshot(desk.world.now)["power"] == "off"
    assert desk.get("upsAdvOutputLoad.0") == 0
    assert desk.set(COMMAND, Tag.INTEGER, 1) is ErrorStatus.NO_ERROR
    assert [number for number, _ in sent(desk)] == [732, 298]
    assert desk.server.snapshot(desk.world.now)["power"] == "on"


def test_delays_of_a_group() -> None:
    desk = nmc2()
    desk.set("upsOutletGroupConfigPowerOffDelay.2", Tag.INTEGER, 30)
    desk.set("upsOutletGroupConfigRebootDuration.2", Tag.INTEGER, 20)
    desk.set(COMMAND, Tag.INTEGER, 6)  # a delayed reboot
    assert desk.get(PENDING) == 1
    desk.at(29.9)
    assert desk.get(STATE) == 1
    desk.at(30)
    assert desk.get(STATE) == 2
    desk.at(49.9)
    assert desk.get(STATE) == 2
    desk.at(50)
    assert desk.get(STATE) == 1
    assert desk.get(PENDING) == 2
    assert [number for number, _ in sent(desk)] == [732, 299, 298]


def test_a_command_is_cancelled() -> None:
    desk = nmc2()
    desk.set("upsOutletGroupConfigPowerOffDelay.2", Tag.INTEGER, 30)
    desk.set(COMMAND, Tag.INTEGER, 5)
    desk.set(COMMAND, Tag.INTEGER, 7)
    desk.at(60)
    assert desk.get(STATE) == 1


def test_groups_show_off_with_the_whole_output() -> None:
    desk = nmc2()
    desk.set("upsAdvControlUpsOff.0", Tag.INTEGER, 2)
    assert desk.get(STATE) == 2
    desk.set("upsAdvControlTurnOnUPS.0", Tag.INTEGER, 2)
    assert desk.get(STATE) == 1


def test_the_name_of_a_group_is_one() -> None:
    desk = nmc2()
    desk.set("upsOutletGroupConfigName.2", Tag.OCTET_STRING, b"Racks")
    assert desk.get("upsOutletGroupStatusName.2") == b"Racks"
    assert desk.get("upsOutletGroupControlName.2") == b"Racks"


def test_a_negative_delay_is_never() -> None:
    desk = nmc2()
    desk.set("upsOutletGroupConfigPowerOffDelay.2", Tag.INTEGER, -1)
    desk.set(COMMAND, Tag.INTEGER, 5)
    desk.at(3600)
    assert desk.get(STATE) == 1
    assert desk.get(PENDING) == 2
