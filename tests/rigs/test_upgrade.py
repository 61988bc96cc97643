"""What the last version of the former name left behind, as a kill left it: the journal, the devices' settings, an export.

`standin.tar.gz` was made by that version: an outage of `a1080a-pair` with a fault of a BMC in it, and a second outage
that lasts.
"""

from __future__ import annotations

import asyncio
import json
import tarfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ridethrough.gateway.storage.sqlite import archive
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.mibs import standard_tree
from ridethrough.rigs.cli.main import app
from ridethrough.rigs.clock import Clock, run
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.runtime import assemble
from tests.support.live import sample

LEFT = Path(__file__).parents[1] / "recordings" / "standin.tar.gz"
LATER_S = 1_767_225_600.0 + 900


@pytest.fixture
def left(tmp_path: Path) -> Path:
    with tarfile.open(LEFT) as archived:
        # Python 3.11.2 of Debian 12 has no filters yet.
        archived.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        archived.extractall(tmp_path)
    return tmp_path / "standin"


def ridethrough(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == expect, (result.output, result.exception)
    return result.output


def test_a_rig_goes_on_where_the_former_version_stopped(left: Path) -> None:
    data = left / "data"
    before = {name: json.loads(body) for name, body in archive.bodies(data).items()}
    assert {event["source"] for event in before.values()} == {"/standin/a1080a-pair"}
    rig = RigFile.model_validate(sample("a1080a-pair.yaml"))

    async def play() -> None:
        process = assemble(rig, standard_tree(), Clock(LATER_S), "max", data, f"127.0.0.1:{free_port()}")
        await process.start()
        await asyncio.sleep(60)
        await process.stop()

    run(play(), "max")
    assert not list(data.glob("standin*"))
    card = json.loads((data / "devices" / "UPS1.json").read_text())
    assert card["settings"]["upsAdvConfigShutoffDelay"] == 180 * 100  # as it was set then
    assert card["card"]["boots"] == 2
    after = {name: json.loads(body) for name, body in archive.bodies(data).items()}
    assert {name: after[name] for name in before} == before
    told = [event for name, event in after.items() if name not in before]
    assert {event["source"] for event in told} == {"/ridethrough/a1080a-pair"}
    cleared = [event["subject"] for event in told if event["type"] == "power.outage.cleared"]
    assert sorted(cleared) == ["UPS1", "UPS2"]  # the outage that lasted is known, and over


def test_the_journal_verbs_read_it_under_its_name(left: Path, tmp_path: Path) -> None:
    data, site = left / "data", left / "site.yaml"
    before = {path.name: path.read_bytes() for path in data.glob("standin*") if not path.name.endswith("-shm")}
    count, _, last = archive.extent(data)
    assert f"{count} records" in ridethrough("journal", "show", str(data))
    told = archive.event_count(data)
    said = ridethrough("journal", "replay", str(site), str(data), "--compare")
    assert said == f"{told} events, the same as were told\n"
    exported = tmp_path / "again.jsonl"
    ridethrough("journal", "export", str(data), str(exported))
    assert exported.read_text() == (left / "records.jsonl").read_text()
    assert {path.name: path.read_bytes() for path in data.glob("standin*") if path.name in before} == before
    copy = tmp_path / "copy"
    ridethrough("journal", "import", str(left / "records.jsonl"), str(copy))
    assert archive.extent(copy) == (count, 1, last)
    assert (copy / FILE_NAME).exists()
    document = YAML(typ="safe", pure=True).load(site)
    document["name"] = "another"
    with site.open("w") as stream:
        YAML().dump(document, stream)
    ridethrough("journal", "replay", str(site), str(data), "--compare", expect=1)  # the name counts as ever
