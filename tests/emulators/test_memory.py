"""What managers set outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.memory import Memory, MemoryFileError
from tests.emulators.rig import Desk
from wire.snmp import Tag


def test_a_card_keeps_what_was_set(tmp_path: Path) -> None:
    first = Desk()
    first.set("upsAdvConfigShutoffDelay.0", Tag.TIME_TICKS, 60000)
    first.at(30)
    first.set("upsAdvConfigReturnDelay.0", Tag.TIME_TICKS, 30000)  # still on its way when the process ends
    first.set("sysName.0", Tag.OCTET_STRING, b"rack 7")
    first.set("receiverAddr.2", Tag.IP_ADDRESS, bytes((192, 0, 2, 9)))
    first.set("communityString.2", Tag.OCTET_STRING, b"traps")
    Memory(tmp_path).keep(first.ups)

    second = Desk()
    Memory(tmp_path).recall(second.ups)
    assert second.get("upsAdvConfigShutoffDelay.0") == 60000
    assert second.get("upsAdvConfigReturnDelay.0") == 30000
    assert second.get("sysName.0") == b"rack 7"
    assert second.get("receiverAddr.2") == bytes((192, 0, 2, 9))
    assert second.get("communityString.2") == b"traps"
    assert second.ups.card.boots == first.ups.card.boots + 1


def test_the_first_life_has_factory_settings(tmp_path: Path) -> None:
    desk = Desk()
    Memory(tmp_path).recall(desk.ups)
    assert desk.get("upsAdvConfigShutoffDelay.0") == 30000


def test_a_file_is_written_only_when_something_changed(tmp_path: Path) -> None:
    desk, memory = Desk(), Memory(tmp_path)
    memory.keep(desk.ups)
    path = tmp_path / "devices" / "UPS1.json"
    before = path.stat().st_mtime_ns
    desk.inject("city", "off")
    memory.keep(desk.ups)
    assert path.stat().st_mtime_ns == before
    desk.set("sysName.0", Tag.OCTET_STRING, b"x")
    memory.keep(desk.ups)
    assert path.stat().st_mtime_ns > before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": {}, "card": {"boots": "x"}}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "devices" / "UPS1.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(MemoryFileError, match="remove it for factory settings"):
        Memory(tmp_path).recall(Desk().ups)
