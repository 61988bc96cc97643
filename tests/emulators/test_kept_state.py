"""What managers set outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ridethrough.emulators.state_files import StateFileError, StateFiles
from ridethrough.wire.snmp import Tag
from tests.emulators.rig import Desk


def test_a_card_keeps_what_was_set(tmp_path: Path) -> None:
    first = Desk()
    first.set("upsAdvConfigShutoffDelay.0", Tag.TIME_TICKS, 60000)
    first.at(30)
    first.set("upsAdvConfigReturnDelay.0", Tag.TIME_TICKS, 30000)  # still on its way when the process ends
    first.set("sysName.0", Tag.OCTET_STRING, b"rack 7")
    first.set("receiverAddr.2", Tag.IP_ADDRESS, bytes((192, 0, 2, 9)))
    first.set("communityString.2", Tag.OCTET_STRING, b"traps")
    StateFiles(tmp_path).save(first.device)

    second = Desk()
    StateFiles(tmp_path).load(second.device)
    assert second.get("upsAdvConfigShutoffDelay.0") == 60000
    assert second.get("upsAdvConfigReturnDelay.0") == 30000
    assert second.get("sysName.0") == b"rack 7"
    assert second.get("receiverAddr.2") == bytes((192, 0, 2, 9))
    assert second.get("communityString.2") == b"traps"
    assert second.card.boots == first.card.boots + 1


def test_the_first_life_has_factory_settings(tmp_path: Path) -> None:
    desk = Desk()
    StateFiles(tmp_path).load(desk.device)
    assert desk.get("upsAdvConfigShutoffDelay.0") == 30000


def test_a_file_is_written_only_when_something_changed(tmp_path: Path) -> None:
    desk, files = Desk(), StateFiles(tmp_path)
    files.save(desk.device)
    path = tmp_path / "devices" / "UPS1.json"
    before = path.stat().st_mtime_ns
    desk.inject("city", "off")
    files.save(desk.device)
    assert path.stat().st_mtime_ns == before
    desk.set("sysName.0", Tag.OCTET_STRING, b"x")
    files.save(desk.device)
    assert path.stat().st_mtime_ns > before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": {}, "card": {"boots": "x"}}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "devices" / "UPS1.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(StateFileError, match="remove it for factory settings"):
        StateFiles(tmp_path).load(Desk().device)


def test_a_controller_keeps_users_log_and_configuration(tmp_path: Path) -> None:
    first = Desk()
    first.ok(0x06, 0x45, b"\x03" + b"oper".ljust(16, b"\0"))
    first.ok(0x06, 0x47, b"\x03\x02" + b"secret".ljust(16, b"\0"))
    first.ok(0x06, 0x43, b"\x91\x03\x03")
    first.ok(0x06, 0x47, b"\x03\x01")
    first.ok(0x0C, 0x01, bytes((1, 19, 2, 0, 0, 127, 0, 0, 8)) + bytes(6))
    first.ok(0x04, 0x12, bytes((7, 9, 0x00)))
    first.ok(0x2E, 0xC1, bytes((119, 0, 0, 0x05, 20, 0, 60, 0, 1, 0, 0)))
    first.inject("server1.bmc", "front_panel_nmi")
    StateFiles(tmp_path).save(first.bmc)
    assert (tmp_path / "devices" / "server1.bmc.json").stat().st_mode & 0o077 == 0

    second = Desk()
    StateFiles(tmp_path).load(second.bmc)
    account = second.bmc.account(b"oper")
    assert account is not None
    assert account.password == b"secret"
    assert second.bmc.model.lan.destinations[2].address == "127.0.0.8"
    assert second.ok(0x04, 0x13, bytes((7, 9, 0)))[2] == 0
    assert (second.bmc.model.hold.on, second.bmc.model.hold.start_s, second.bmc.model.hold.end_s) == (True, 20, 60)
    assert second.bmc.model.events.log.records == first.bmc.model.events.log.records
    second.inject("server1.bmc", "front_panel_nmi")
    assert second.bmc.model.events.sequence == first.bmc.model.events.sequence + 1


@pytest.mark.parametrize("text", ["[]", '{"users": []}', '{"users": [[2, "zz", "", 4, [], 2]]}'])
def test_a_damaged_file_of_a_controller_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "devices" / "server1.bmc.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(StateFileError, match="remove it for factory settings"):
        StateFiles(tmp_path).load(Desk().bmc)
