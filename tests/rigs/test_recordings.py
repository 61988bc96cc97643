"""From a walk of a card to a profile that cannot be told from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ridethrough.emulators.devices.ups import ProfileError, load_profile
from ridethrough.mibs import Oid
from ridethrough.rigs.recording.walks import RecordingError, read_snmprec
from ridethrough.rigs.rigfile.schema import load_rig
from ridethrough.wire.snmp import VarBind
from tests.emulators.rig import PLANT, Desk
from tests.emulators.test_ups_card import PROFILES, desk_of, walk


def snmprec(binds: list[VarBind]) -> str:
    """A walk as snmpsim writes it."""
    lines = []
    for oid, tag, value in binds:
        if isinstance(value, bytes) and tag == 0x40:
            lines.append(f"{oid}|{tag}|{'.'.join(map(str, value))}")
        elif isinstance(value, bytes):
            lines.append(f"{oid}|{tag}x|{value.hex()}")
        else:
            lines.append(f"{oid}|{tag}|{value}")
    return "\n".join(lines) + "\n"


def ridethrough(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ridethrough", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("profile", "recording", "volts"), PROFILES)
def test_a_profile_made_from_a_walk_answers_that_walk(tmp_path: Path, profile: str, recording: str, volts: int) -> None:
    # The engine's own objects, which every card has, do not go into a profile.
    engine = [Oid.parse("1.3.6.1.2.1.11"), Oid.parse("1.3.6.1.6.3")]
    everything = walk(desk_of(profile, volts), "1.3.6.1")
    original = [bind for bind in everything if not any(subtree.covers(bind.oid) for subtree in engine)]
    (tmp_path / "walk.snmprec").write_text(snmprec(everything))
    made = tmp_path / "made.yaml"
    done = ridethrough("profile", "new", "made", "--from", str(tmp_path / "walk.snmprec"), "--out", str(made))
    assert done.returncode == 0, done.stderr
    assert f"{len(original)} instances" in done.stdout
    again = walk(desk_of(str(made), volts), "1.3.6.1")
    assert len(again) == len(everything)
    again = [bind for bind in again if not any(subtree.covers(bind.oid) for subtree in engine)]
    assert [(bind.oid, bind.tag) for bind in again] == [(bind.oid, bind.tag) for bind in original]
    moving = {"1.3.6.1.4.1.318.1.1.1.2.2.3.0", "1.3.6.1.2.1.33.1.2.3.0", "1.3.6.1.4.1.318.1.1.1.4.2.3.0"}
    moving |= {"1.3.6.1.4.1.318.1.1.1.4.3.3.0", "1.3.6.1.2.1.33.1.4.4.1.5.1"}  # they follow the guessed ratings
    same = [(bind.oid, bind.value) for bind in again if str(bind.oid) not in moving]
    assert same == [(bind.oid, bind.value) for bind in original if str(bind.oid) not in moving]
    assert load_profile(str(made)).permitted == load_profile(profile).permitted


def test_a_rig_takes_a_profile_beside_it(tmp_path: Path) -> None:
    (tmp_path / "walk.snmprec").write_text(snmprec(walk(Desk(), "1.3.6.1")))
    ridethrough(
        "profile", "new", "mine", "--from", str(tmp_path / "walk.snmprec"), "--out", str(tmp_path / "mine.yaml")
    )
    rig = tmp_path / "rig.yaml"
    rig.write_text('rig: r\nmains: {city: {}}\nups: {U: {profile: ./mine.yaml, mains: city, address: "127.0.1.1"}}\n')
    profile = load_profile(load_rig(rig).ups["U"].profile)
    assert profile.text("upsBasicIdentModel") == "SMART-UPS 1400"
    assert "UPS1" in PLANT["ups"]


def test_a_partial_walk_hides_the_settings_it_lacks_but_the_ups_has_them(tmp_path: Path) -> None:
    configuration = "1.3.6.1.4.1.318.1.1.1.5."
    partial = [bind for bind in walk(Desk(), "1.3.6.1") if not str(bind.oid).startswith(configuration)]
    (tmp_path / "walk.snmprec").write_text(snmprec(partial))
    made = tmp_path / "made.yaml"
    ridethrough("profile", "new", "made", "--from", str(tmp_path / "walk.snmprec"), "--out", str(made))
    assert load_profile(str(made)).hidden["upsAdvConfigLowTransferVolt"] == 90
    again = walk(desk_of(str(made), 100), "1.3.6.1")
    assert [bind.oid for bind in again] == [bind.oid for bind in partial]


@pytest.mark.parametrize("where", ["hidden", "permitted"])
def test_a_profile_without_a_setting_is_bad_configuration(tmp_path: Path, where: str) -> None:
    (tmp_path / "walk.snmprec").write_text(snmprec(walk(Desk(), "1.3.6.1")))
    made = tmp_path / "mine.yaml"
    ridethrough("profile", "new", "mine", "--from", str(tmp_path / "walk.snmprec"), "--out", str(made))
    lines = made.read_text().splitlines(keepends=True)
    lost = "upsAdvConfigAlarmTimer.0:" if where == "hidden" else "upsAdvConfigAlarmTimer: "
    made.write_text("".join(line for line in lines if not line.strip().startswith(lost)))
    rig = tmp_path / "rig.yaml"
    rig.write_text('rig: r\nmains: {city: {}}\nups: {U: {profile: ./mine.yaml, mains: city, address: "127.0.1.1"}}\n')
    done = ridethrough("check", str(rig))
    assert done.returncode == 2, done.stderr
    assert "rig.yaml:" in done.stderr
    assert "upsAdvConfigAlarmTimer in `" in done.stderr
    assert where in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no recorded instances"), ("1.3.6|4\n", ":1: expected OID|TAG|VALUE"), ("# x\n1.3|99|1\n", ":2: expected")],
)
def test_recordings_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.snmprec"
    path.write_text(text)
    with pytest.raises(RecordingError, match=r"bad\.snmprec") as caught:
        read_snmprec(path)
    assert words in str(caught.value)
    done = ridethrough("profile", "new", "x", "--from", str(path))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_types_of_a_recording_are_kept() -> None:
    from ridethrough.rigs.recording.walks import Recorded, profile_of
    from ridethrough.wire.snmp import Tag

    rows = [
        Recorded(Oid.parse("1.3.6.1.4.1.9.1.0"), Tag.COUNTER32, 5),
        Recorded(Oid.parse("1.3.6.1.4.1.9.2.0"), Tag.OCTET_STRING, b"\xff\x00"),
        Recorded(Oid.parse("1.3.6.1.4.1.318.1.1.1.1.1.1.0"), Tag.OCTET_STRING, b"Smart-UPS 3000"),
    ]
    document = profile_of("x", rows)
    assert document["instances"]["1.3.6.1.4.1.9.1.0"] == {"counter": 5}
    assert document["instances"]["1.3.6.1.4.1.9.2.0"] == {"hex": "ff00"}
    assert document["rating"]["volt_amperes"] == 3000


def test_profiles_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(str(path))
    path.write_text("{")
    with pytest.raises(ProfileError, match="not YAML"):
        load_profile(str(tmp_path / "." / "p.yaml"))
    with pytest.raises(ProfileError, match=r"smart-ups-1400-100v, .*or the path of a \.yaml file"):
        load_profile("none")


def test_a_partial_walk_is_filled_up_with_what_another_profile_answers(tmp_path: Path) -> None:
    (tmp_path / "walk.snmprec").write_text(
        "1.3.6.1.4.1.318.1.1.1.1.1.1.0|4|Smart-UPS 9\n1.3.6.1.4.1.318.1.1.1.2.2.3.0|67|152200\n"
    )
    made = tmp_path / "made.yaml"
    words = ["profile", "new", "made", "--from", str(tmp_path / "walk.snmprec"), "--out", str(made)]
    done = ridethrough(*words, "--like", "smart-ups-1500-xlm")
    assert done.returncode == 0, done.stderr
    profile, like = load_profile(str(made)), load_profile("smart-ups-1500-xlm")
    assert profile.instances.keys() == like.instances.keys()
    assert profile.text("upsBasicIdentModel") == "Smart-UPS 9"
    assert profile.text("upsAdvIdentSerialNumber") == like.text("upsAdvIdentSerialNumber")
    assert profile.card.runtime_step_ticks == 100  # the walk shows whole seconds
    assert profile.permitted == like.permitted
    assert not profile.hidden
    assert ridethrough(*words, "--like", "nothing").returncode == 2
