"""What a manager sees of a card: instances and types of the recording, errors by version, access, settings."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.devices.ups import load_profile, profile_names
from ridethrough.emulators.devices.ups.settings import Rounding, correct, correct_sleep
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import ErrorStatus, Kind, Pdu, Tag, Value, VarBind, Version
from tests.emulators.rig import PLANT, Desk, number

RECORDINGS = Path(__file__).parent.parent / "recordings"
# Profile, the recording whose instances it answers, and the mains it is made for.
PROFILES = [
    ("smart-ups-1400-100v", "su1400", 100),
    ("smart-ups-1400-230v", "su1400", 230),
    ("smart-ups-1500-xlm", "sua1500xlm", 120),
    ("smart-ups-li-1000", "smtl1000", 120),
    ("smart-ups-x-750", "smx750i", 230),
]
PARTIAL = {"smtl1000", "smx750i"}  # what was published of a walk: a profile answers that and more
WITHOUT_SYSTEM = {"su1400"}
DELAY = "upsAdvConfigShutoffDelay.0"
V1 = {"version": Version.V1}


class Recorded(NamedTuple):
    tag: int
    value: int | bytes | Oid | None  # None where the publisher hid it


def recorded(name: str = "su1400") -> dict[Oid, Recorded]:
    lines = [line for line in (RECORDINGS / f"{name}.csv").read_text().splitlines() if not line.startswith("#")]
    return {Oid.parse(row["oid"]): _recorded(int(row["tag"]), row["value"]) for row in csv.DictReader(lines)}


def _recorded(tag: int, text: str) -> Recorded:
    if text == "?":
        return Recorded(tag, None)
    match tag:
        case Tag.OCTET_STRING:
            return Recorded(tag, bytes.fromhex(text.removeprefix("x")))
        case Tag.OBJECT_IDENTIFIER:
            return Recorded(tag, Oid.parse(text))
        case Tag.IP_ADDRESS:
            return Recorded(tag, bytes.fromhex(text) if "." not in text else bytes(map(int, text.split("."))))
        case _:
            return Recorded(tag, int(text))


def recorded_part(desk: Desk, recording: str, version: Version = Version.V2C) -> list[VarBind]:
    """What the card answers in the subtrees that were recorded."""
    roots = ["1.3.6.1.2.1.1", "1.3.6.1.2.1.33", "1.3.6.1.4.1.318"]
    return [bind for root in roots[recording in WITHOUT_SYSTEM :] for bind in walk(desk, root, version)]


def walk(desk: Desk, root: str, version: Version = Version.V2C) -> list[VarBind]:
    found: list[VarBind] = []
    at = Oid.parse(root)
    while True:
        answer = desk.ask(Kind.GET_NEXT, VarBind(at, Tag.NULL, None), version=version)
        assert answer is not None
        following = answer.varbinds[0]
        if answer.error_status or following.tag == Tag.END_OF_MIB_VIEW or not Oid.parse(root).covers(following.oid):
            return found
        assert following.oid > at
        found.append(following)
        at = following.oid


def desk_of(profile: str, volts: int) -> Desk:
    ups = PLANT["ups"]["UPS1"] | {"profile": profile, "settings": {}}
    return Desk(PLANT | {"mains": {"city": {"volts": volts, "hertz": 60}}, "ups": {"UPS1": ups}})


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(("profile", "recording", "volts"), PROFILES)
def test_exactly_the_recorded_instances_with_the_recorded_types(
    profile: str, recording: str, volts: int, version: Version
) -> None:
    seen = [(bind.oid, bind.tag) for bind in recorded_part(desk_of(profile, volts), recording, version)]
    expected = [(oid, row.tag) for oid, row in sorted(recorded(recording).items())]
    if recording in PARTIAL:
        seen = [pair for pair in seen if pair in expected]
    assert seen == expected


# Values that differ from the recording because the profile is of another unit than the recorded one, or because the
# rig says so: the 100 V model of the documents, and the first trap receiver.
OTHER_UNIT = {
    "smart-ups-1400-100v": {
        "upsAdvIdentFirmwareRevision.0",
        "upsAdvIdentSerialNumber.0",
        "upsAdvIdentDateOfManufacture.0",
        "upsBasicBatteryLastReplaceDate.0",
        "upsAdvBatteryTemperature.0",
        "upsAdvInputLineVoltage.0",
        "upsAdvOutputVoltage.0",
        "upsAdvConfigRatedOutputVoltage.0",
        "upsAdvConfigHighTransferVolt.0",
        "upsAdvConfigLowTransferVolt.0",
        "apcUpsConfigFieldValueRange.1",
        "apcUpsConfigFieldValueRange.2",
        "apcUpsConfigFieldValueRange.3",
    }
}
RIG_SAYS = {"receiverAddr.1"}


def near(shown: Value, measured: Value) -> bool:
    """Whether a measurement lies within three hundredths of the recorded one, or within one unit."""
    if not isinstance(shown, int) or not isinstance(measured, int):
        return shown == measured
    return abs(shown - measured) <= max(1, 0.03 * abs(measured))


@pytest.mark.parametrize(("profile", "recording", "volts"), PROFILES)
def test_the_recorded_values_in_the_recorded_circumstances(profile: str, recording: str, volts: int) -> None:
    rows = recorded(recording)
    named = {standard_tree().label(oid): row.value for oid, row in rows.items()}
    desk = desk_of(profile, volts)
    # The line and the load as they were when the card was walked.
    tenths = named.get("upsHighPrecInputLineVoltage.0")
    line = tenths / 10 if isinstance(tenths, int) else named.get("upsAdvInputLineVoltage.0")
    if profile != "smart-ups-1400-100v":
        desk.inject("city", "volts", str(line))
    hertz = desk.ups.profile.rating.hertz
    desk.inject("city", "hertz", str(hertz))
    percent = named.get("upsHighPrecOutputLoad.0", 10 * named.get("upsAdvOutputLoad.0", 0))  # type: ignore[operator]
    assert isinstance(percent, int)
    extra = desk.ups.outlet("load")
    extra.demand_w.value = percent / 1000 * desk.ups.profile.rating.watts - desk.ups.load_w
    desk.world.settle()
    differences = {}
    shown = {bind.oid: bind.value for bind in recorded_part(desk, recording)}
    for oid, row in rows.items():
        label, value = standard_tree().label(oid), shown[oid]
        if row.value is None or label in RIG_SAYS or label in OTHER_UNIT.get(profile, ()):
            continue
        live = desk.view.instances.get(oid)
        assert live is not None
        if label in MOVING or (live.measured and near(value, row.value)):
            continue
        if value != row.value:
            differences[label] = (row.value, value)
    assert differences == {}


# The card's own time, what its last trap said, and the extremes of a minute that was not recorded.
MOVING = {
    "sysUpTime.0",
    "mconfigClockDate.0",
    "mconfigClockTime.0",
    "mtrapargsInteger.0",
    "mtrapargsString.0",
    "upsAdvInputMaxLineVoltage.0",
    "upsAdvInputMinLineVoltage.0",
    "upsHighPrecInputMaxLineVoltage.0",
    "upsHighPrecInputMinLineVoltage.0",
    "upsAdvInputLineFailCause.0",  # of the last transfer, which happened to the recorded card only
}


@pytest.mark.parametrize(("profile", "recording", "volts"), PROFILES)
def test_whole_units_are_the_cut_tenths_of_their_twins(profile: str, recording: str, volts: int) -> None:
    desk = desk_of(profile, volts)
    desk.inject("city", "off")
    for seconds in (0, 1, 59, 300, 900):
        desk.at(seconds)
        shown = {standard_tree().label(bind.oid): bind.value for bind in walk(desk, "1.3.6.1")}
        pairs = [(name, name.replace("upsAdv", "upsHighPrec")) for name in shown if name.startswith("upsAdv")]
        for whole, precise in pairs:
            if precise in shown and "Total" not in whole:
                assert shown[whole] == int(shown[precise]) // 10, whole  # type: ignore[arg-type]
        if "upsBasicStateOutputState.0" in shown:
            flags = shown["upsBasicStateOutputState.0"]
            assert isinstance(flags, bytes)
            assert re.fullmatch(rb"[01]{64}", flags)
            assert flags[1:2] == b"1"  # on battery
            assert shown["upsOutputSource.0"] == 5
            assert shown["upsSecondsOnBattery.0"] == shown["upsBasicBatteryTimeOnBattery.0"] // 100  # type: ignore[operator]


def test_a_healthy_card_shows_the_flags_of_the_recording() -> None:
    flags = desk_of("smart-ups-1500-xlm", 120).get("upsBasicStateOutputState.0")
    assert flags == b"0001010000000000001000000000000000000000000000000000000000000000"


def test_the_two_views_of_a_setting_are_one() -> None:
    desk = desk_of("smart-ups-1500-xlm", 120)
    assert desk.get("upsConfigLowBattTime.0") == 2
    assert desk.set("upsConfigLowBattTime.0", Tag.INTEGER, 6) is ErrorStatus.NO_ERROR
    desk.at(60)
    assert desk.get("upsConfigLowBattTime.0") == 8  # the next higher permitted value
    assert desk.get("upsAdvConfigLowBatteryRunTime.0") == 48000
    assert desk.set("upsAdvConfigHighTransferVolt.0", Tag.INTEGER, 131) is ErrorStatus.NO_ERROR
    desk.at(120)
    assert desk.get("upsConfigHighVoltageTransferPoint.0") == 133
    assert desk.set("upsBasicIdentName.0", Tag.OCTET_STRING, b"BOTH") is ErrorStatus.NO_ERROR
    assert desk.get("upsIdentName.0") == b"BOTH"


def test_the_system_group() -> None:
    labels = [standard_tree().label(bind.oid) for bind in walk(Desk(), "1.3.6.1.2.1.1")]
    names = ["sysDescr", "sysObjectID", "sysUpTime", "sysContact", "sysName", "sysLocation", "sysServices"]
    assert labels == [f"{name}.0" for name in names]


def test_the_identity_of_the_documents() -> None:
    desk = Desk()
    assert desk.get("upsBasicIdentModel.0") == b"SMART-UPS 1400"
    assert desk.get("upsAdvIdentSerialNumber.0") == b"QS0148221236"
    assert desk.get("upsAdvIdentFirmwareRevision.0") == b"70.14S.A"
    assert desk.get("sysDescr.0").startswith(b"APC Web/SNMP Management Card")  # type: ignore[union-attr]
    for absent in ("1.3.6.1.4.1.318.1.1.8.1.5.0", "1.3.6.1.4.1.318.1.1.4.1.4.0"):
        answer = desk.ask(Kind.GET, VarBind(Oid.parse(absent), Tag.NULL, None))
        assert answer is not None
        assert answer.varbinds[0].tag == Tag.NO_SUCH_OBJECT


def test_get_of_an_absent_object_fails_the_whole_request_only_in_version_1() -> None:
    desk = Desk()
    absent, present = Oid.parse("1.3.6.1.4.1.318.1.1.1.99.0"), number("upsBasicIdentModel.0")
    binds = (VarBind(present, Tag.NULL, None), VarBind(absent, Tag.NULL, None))
    first = desk.ask(Kind.GET, *binds, version=Version.V1)
    assert first == Pdu(Kind.RESPONSE, 1, ErrorStatus.NO_SUCH_NAME, 2, binds)
    second = desk.ask(Kind.GET, *binds)
    assert second is not None
    assert [bind.tag for bind in second.varbinds] == [Tag.OCTET_STRING, Tag.NO_SUCH_OBJECT]


def test_the_end_of_the_view() -> None:
    desk = Desk()
    last = VarBind(Oid.parse("1.3.7"), Tag.NULL, None)
    first = desk.ask(Kind.GET_NEXT, last, version=Version.V1)
    assert first is not None
    assert (first.error_status, first.error_index) == (ErrorStatus.NO_SUCH_NAME, 1)
    second = desk.ask(Kind.GET_NEXT, last)
    assert second is not None
    assert second.varbinds[0].tag == Tag.END_OF_MIB_VIEW


def bulk(desk: Desk, non_repeaters: int, repetitions: int, *names: str) -> tuple[VarBind, ...]:
    from ridethrough.wire.snmp import Message, decode, encode

    binds = tuple(VarBind(Oid.parse(name), Tag.NULL, None) for name in names)
    request = Message(Version.V2C, b"public", Pdu(Kind.GET_BULK, 1, non_repeaters, repetitions, binds))
    answer = desk.agent.receive(encode(request), "10.0.0.1", desk.world.now)
    assert answer is not None
    assert len(answer) <= desk.card.max_message
    return decode(answer).pdu.varbinds


def test_bulk_is_cut_to_the_message_size_and_never_refused() -> None:
    desk = Desk()
    assert len(bulk(desk, 1, 2, "1.3.6.1.2.1.1.1", "1.3.6.1.2.1.1.2", "1.3.6.1.2.1.1.3")) == 5
    many = bulk(desk, 0, 10_000, "1.3.6.1.4.1.318")
    assert [bind.oid for bind in many] == sorted(recorded())[: len(many)]
    assert len(many) > 30
    assert bulk(desk, 0, -5, "1.3.6.1.4.1.318") == ()
    assert [bind.tag for bind in bulk(desk, 0, 9, "1.3.9")] == [Tag.END_OF_MIB_VIEW]


@pytest.mark.parametrize(
    ("label", "tag", "value", "v2c", "v1"),
    [
        (DELAY, Tag.INTEGER, 30000, ErrorStatus.WRONG_TYPE, ErrorStatus.BAD_VALUE),
        ("upsAdvConfigSensitivity.0", Tag.INTEGER, 1, ErrorStatus.WRONG_VALUE, ErrorStatus.BAD_VALUE),
        ("upsAdvConfigSensitivity.0", Tag.INTEGER, 9, ErrorStatus.WRONG_VALUE, ErrorStatus.BAD_VALUE),
        ("upsBasicIdentName.0", Tag.OCTET_STRING, b"ninechars", ErrorStatus.WRONG_LENGTH, ErrorStatus.BAD_VALUE),
        ("upsBasicIdentModel.0", Tag.OCTET_STRING, b"x", ErrorStatus.NOT_WRITABLE, ErrorStatus.NO_SUCH_NAME),
        ("upsBasicControlConserveBattery.1", Tag.INTEGER, 2, ErrorStatus.NOT_WRITABLE, ErrorStatus.NO_SUCH_NAME),
        ("upsBasicControlConserveBattery.0", Tag.TIME_TICKS, 200, ErrorStatus.WRONG_TYPE, ErrorStatus.BAD_VALUE),
        ("upsBasicControlConserveBattery.0", Tag.INTEGER, 2, ErrorStatus.GEN_ERR, ErrorStatus.GEN_ERR),
        (DELAY, Tag.TIME_TICKS, 12345, ErrorStatus.NO_ERROR, ErrorStatus.NO_ERROR),
    ],
)
def test_errors_of_a_set(label: str, tag: Tag, value: int | bytes, v2c: ErrorStatus, v1: ErrorStatus) -> None:
    assert Desk().set(label, tag, value) is v2c
    assert Desk().set(label, tag, value, version=Version.V1) is v1


def test_a_set_is_all_or_nothing() -> None:
    desk = Desk()
    binds = (
        VarBind(number("upsBasicIdentName.0"), Tag.OCTET_STRING, b"NEW"),
        VarBind(number("upsBasicIdentModel.0"), Tag.OCTET_STRING, b"x"),
    )
    answer = desk.ask(Kind.SET, *binds)
    assert answer is not None
    assert (answer.error_status, answer.error_index) == (ErrorStatus.NOT_WRITABLE, 2)
    assert desk.get("upsBasicIdentName.0") == b"UPS_IDEN"


def test_access_rows() -> None:
    desk = Desk()
    model = VarBind(number("upsBasicIdentModel.0"), Tag.NULL, None)
    assert desk.ask(Kind.GET, model, community="look", frm="192.0.2.77") is not None
    assert desk.ask(Kind.GET, model, community="look", frm="192.0.3.77") is None
    assert desk.ask(Kind.GET, model, community="wrong") is None
    assert desk.agent.counters["snmpInBadCommunityNames"] == 2
    assert desk.traps() == [-1, 8, -5, -5]  # coldStart, the link to the UPS, then authenticationFailure twice
    name = ("upsBasicIdentName.0", Tag.OCTET_STRING, b"A")
    assert desk.set(*name, community="look", frm="192.0.2.1") is ErrorStatus.NO_ACCESS
    assert desk.set(*name, community="look", frm="192.0.2.1", version=Version.V1) is ErrorStatus.NO_SUCH_NAME


def test_a_write_shows_after_its_lag_and_corrected() -> None:
    desk = Desk()
    assert desk.get(DELAY) == 30000
    assert desk.set(DELAY, Tag.TIME_TICKS, 40000) is ErrorStatus.NO_ERROR
    assert desk.get(DELAY) == 30000
    desk.at(4.9)
    assert desk.get(DELAY) == 30000
    desk.at(5)
    assert desk.get(DELAY) == 60000


def test_the_lag_grows_with_the_steps() -> None:
    desk = Desk()
    desk.set("upsAdvConfigLowTransferVolt.0", Tag.INTEGER, 90)  # from 92: round the end of the list, three steps
    desk.at(14.9)
    assert desk.get("upsAdvConfigLowTransferVolt.0") == 92
    desk.at(15)
    assert desk.get("upsAdvConfigLowTransferVolt.0") == 90


def test_names_show_at_once() -> None:
    desk = Desk()
    assert desk.set("sysName.0", Tag.OCTET_STRING, b"ups-1") is ErrorStatus.NO_ERROR
    assert desk.get("sysName.0") == b"ups-1"


def test_factory_defaults() -> None:
    desk = Desk()
    desk.set("upsBasicIdentName.0", Tag.OCTET_STRING, b"KEPT")
    desk.set("upsAdvConfigSetEEPROMDefaults.0", Tag.INTEGER, 2)
    desk.at(60)
    assert desk.get(DELAY) == 2000
    assert desk.get("upsBasicIdentName.0") == b"KEPT"
    assert desk.get("upsAdvConfigSetEEPROMDefaults.0") == 1


@given(st.integers(0, 10**6), st.sampled_from(list(Rounding)[:2]))
def test_corrections_are_the_nearest_permitted_value_in_their_direction(value: int, rounding: Rounding) -> None:
    permitted = (2000, 18000, 30000, 60000)
    taken = correct(value, permitted, rounding)
    between = [item for item in permitted if min(value, taken) < item < max(value, taken)]
    assert taken in permitted
    assert not between
    if rounding is Rounding.UP:
        assert taken >= value or taken == max(permitted)
    else:
        assert taken <= value or taken == min(permitted)


@pytest.mark.parametrize(("ticks", "kept"), [(0, 0), (1, 36000), (54000, 36000), (54001, 72000), (90001, 108000)])
def test_sleep_time_counts_in_tenths_of_an_hour(ticks: int, kept: int) -> None:
    assert correct_sleep(ticks) == kept


def test_trap_receivers_can_be_written() -> None:
    desk = Desk()
    assert desk.get("receiverAddr.1") == bytes((127, 0, 0, 1))
    assert desk.set("receiverAddr.2", Tag.IP_ADDRESS, bytes((192, 0, 2, 9))) is ErrorStatus.NO_ERROR
    assert desk.set("communityString.2", Tag.OCTET_STRING, b"traps") is ErrorStatus.NO_ERROR
    desk.traps()
    desk.inject("city", "off")
    assert [(item.receiver, item.community) for item in desk.card.outgoing] == [
        ("127.0.0.1", b"public"),
        ("192.0.2.9", b"traps"),
    ]
    desk.traps()
    desk.set("acceptThisReceiver.1", Tag.INTEGER, 2)
    desk.set("acceptThisReceiver.2", Tag.INTEGER, 2)
    assert desk.traps() == [44]  # the change of the first, to the second
    desk.inject("city", "on")
    assert desk.traps() == []


def test_a_restart_is_announced_silent_and_counts_from_zero() -> None:
    desk = Desk()
    desk.at(100)
    desk.traps()
    assert desk.get("sysUpTime.0") == 10_000
    assert desk.set("mcontrolRestartAgent.0", Tag.INTEGER, 1) is ErrorStatus.NO_ERROR
    assert desk.traps() == [29]
    assert desk.ask(Kind.GET, VarBind(number("sysUpTime.0"), Tag.NULL, None)) is None
    desk.at(115)
    assert desk.traps() == [-2, 8]  # warmStart, then the link to the UPS
    assert desk.get("sysUpTime.0") == 0


def test_uptime_moves_in_tenths_of_a_second() -> None:
    desk = Desk()
    desk.at(12.34)
    assert desk.get("sysUpTime.0") == 1230


def test_every_profile_is_compared_with_a_recording() -> None:
    assert [name for name, _, _ in PROFILES] == profile_names()
    for name, _, volts in PROFILES:
        assert load_profile(name).rating.volts == volts
