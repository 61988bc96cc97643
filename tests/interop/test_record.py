"""`ridethrough record ups`: a card walked by pysnmp becomes the card again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ridethrough.rigs.recording.walks import read_snmprec
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import Live, running, sample, tool


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_a_card_is_recorded_whole(tmp_path: Path, version: str) -> None:
    document = sample("a1080a-pair.yaml")
    document["mains"]["us"] = {"volts": 120, "hertz": 60}
    users = {"mgr": {"type": "read", "auth": "sha256", "auth_key": "auth passphrase 1"}}
    users["mgr"] |= {"priv": "aes128", "priv_key": "priv passphrase 2"}
    document["ups"]["UPS2"] |= {"profile": "smart-ups-1500-xlm", "mains": "us", "settings": {}, "users": users}
    (tmp_path / "a").write_text("auth passphrase 1\n")
    (tmp_path / "p").write_text("priv passphrase 2\n")
    v3 = ["--user", "mgr", "--auth", "sha256", "--auth-key-file", str(tmp_path / "a")]
    v3 += ["--priv", "aes128", "--priv-key-file", str(tmp_path / "p")]
    out = tmp_path / "card.snmprec"
    with running(document, tmp_path) as live:
        words = ["record", "ups", live.card("UPS2"), "--out", str(out), "--version", version]
        said = live.ridethrough(*words, *(v3 if version == "3" else []))
        assert "card.snmprec: 710 instances" in said.replace("\n", "")
    rows = read_snmprec(out)
    assert len(rows) == 710
    assert not out.with_name("card.snmprec.part").exists()
    assert {str(row.oid): row.value for row in rows}["1.3.6.1.4.1.318.1.1.1.1.2.3.0"] == b"QS1345140011"


def test_an_interrupted_walk_goes_on(pair: Live, tmp_path: Path) -> None:
    whole, again = tmp_path / "whole.snmprec", tmp_path / "again.snmprec"
    pair.ridethrough("record", "ups", pair.card("UPS1"), "--out", str(whole))
    lines = whole.read_text().splitlines(keepends=True)
    assert len(lines) == 150
    (tmp_path / "again.snmprec.part").write_text("".join(lines[:60]) + lines[60][:10])
    pair.ridethrough("record", "ups", pair.card("UPS1"), "--out", str(again))
    assert [line.split("|")[:2] for line in again.read_text().splitlines()] == [line.split("|")[:2] for line in lines]


def test_a_card_that_does_not_answer(pair: Live, tmp_path: Path) -> None:
    place = f"127.0.9.9:{free_port()}"
    said = pair.ridethrough("record", "ups", place, "--out", str(tmp_path / "x"), expect=3)
    assert "No SNMP response received before timeout" in said
    assert "run the same command again" in said.replace("\n", " ")


def test_a_bmc_is_recorded_and_becomes_itself_again(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    document["servers"]["server1"]["bmc"]["suites"] = [3, 8, 17]
    (tmp_path / "password").write_text("admin\n")
    out = tmp_path / "mine.yaml"
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with running(document, first) as live:
        live.tell("server1.bmc front_panel_nmi")
        place = f"{document['servers']['server1']['bmc']['address']}:{live.ports['ipmi']}"
        said = live.ridethrough(
            "record", "bmc", place, "--out", str(out), "--password-file", str(tmp_path / "password")
        )
        assert "21 sensors, 1 log records" in said.replace("\n", " ")
        before = [tool("ipmitool", "-I", "lanplus", *live.bmc("server1"), *words.split()) for words in SHOWN]
    document["servers"]["server1"]["bmc"] |= {"profile": str(out)}
    del document["servers"]["server1"]["bmc"]["suites"]
    with running(document, second) as live:
        after = [tool("ipmitool", "-I", "lanplus", *live.bmc("server1"), *words.split()) for words in SHOWN]
    assert after == before


SHOWN = ["mc info", "sensor list", "fru print", "sel list", "channel getciphers ipmi 1"]


def test_a_bmc_that_does_not_answer(pair: Live, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("admin\n")
    words = ["record", "bmc", f"127.0.9.9:{free_port()}", "--out", str(tmp_path / "x.yaml")]
    said = pair.ridethrough(*words, "--password-file", str(tmp_path / "password"), expect=3)
    assert "127.0.9.9" in said
    assert not (tmp_path / "x.yaml").exists()
