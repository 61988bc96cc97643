from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ridethrough.mibs import Oid, standard_tree
from ridethrough.mibs.compiler import TABLE, TEXTS, MibError, compile_folder, render, with_folder
from ridethrough.mibs.tree import readable

RECORDING = Path(__file__).parent.parent / "recordings" / "su1400.csv"


def test_the_checked_in_table_is_current() -> None:
    assert TABLE.read_text() == render(compile_folder(TEXTS)), "run `make mibs`"


def test_every_instance_of_the_recording_has_a_name() -> None:
    lines = [line for line in RECORDING.read_text().splitlines() if not line.startswith("#")]
    for row in csv.DictReader(lines):
        assert standard_tree().label(Oid.parse(row["oid"]))[0].isalpha(), row["oid"]


@pytest.mark.parametrize(
    ("oid", "label"),
    [
        ("1.3.6.1.4.1.318.1.1.1.4.1.1.0", "upsBasicOutputStatus.0"),
        ("1.3.6.1.4.1.318.0.5", "upsOnBattery"),
        ("1.3.6.1.6.3.1.1.5.1", "coldStart"),
        ("1.3.6.1.4.1.318.9.9", "1.3.6.1.4.1.318.9.9"),
    ],
)
def test_labels(oid: str, label: str) -> None:
    assert standard_tree().label(Oid.parse(oid)) == label


def test_values_read_by_people() -> None:
    status = standard_tree().named("upsBasicOutputStatus")
    assert status.show(3) == "onBattery"
    assert status.show(99) == 99
    assert readable(b"UPS: x\0") == "UPS: x"
    assert readable(b"\xff\x00\x01") == "ff 00 01"


VENDOR = """ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS OBJECT-TYPE, NOTIFICATION-TYPE, MODULE-IDENTITY, enterprises, Integer32 FROM SNMPv2-SMI;
acme MODULE-IDENTITY LAST-UPDATED "202601010000Z" ORGANIZATION "a" CONTACT-INFO "a" DESCRIPTION "a"
  ::= { enterprises 99999 }
door OBJECT-TYPE SYNTAX INTEGER { open(1), shut(2) } UNITS "doors" MAX-ACCESS read-only STATUS current
  DESCRIPTION "a" ::= { acme 1 }
doorOpened NOTIFICATION-TYPE OBJECTS { door } STATUS current DESCRIPTION "a" ::= { acme 0 7 }
END
"""


def test_a_folder_of_vendor_texts_adds_names(tmp_path: Path) -> None:
    (tmp_path / "ACME-MIB.mib").write_text(VENDOR)
    tree = with_folder(tmp_path)
    assert tree.label(Oid.parse("1.3.6.1.4.1.99999.0.7")) == "doorOpened"
    assert tree.named("door").show(2) == "shut"
    assert tree.named("doorOpened").objects == ("door",)
    assert tree.label(Oid.parse("1.3.6.1.4.1.318.0.5")) == "upsOnBattery"
    assert standard_tree().get(Oid.parse("1.3.6.1.4.1.99999.1")) is None


def test_a_broken_text_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ACME-MIB.mib"
    path.write_text(VENDOR.replace("{ acme 1 }", "{ acme 1", 1))
    with pytest.raises(MibError) as caught:
        compile_folder(tmp_path)
    assert str(caught.value).startswith(f"{path}:7: ")


def test_a_missing_import_is_named(tmp_path: Path) -> None:
    (tmp_path / "ACME-MIB.mib").write_text(VENDOR.replace("FROM SNMPv2-SMI", "FROM NOWHERE-MIB"))
    with pytest.raises(MibError, match="import NOWHERE-MIB"):
        compile_folder(tmp_path)


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_texts(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "texts"
    if make:
        folder.mkdir()
    with pytest.raises(MibError, match=str(folder)):
        compile_folder(folder)
