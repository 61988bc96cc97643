"""`ridethrough journal`: the events of a whole outage derived again, exports and imports, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ridethrough.gateway.records import Arrival, Record, RecordKind
from ridethrough.gateway.storage.sqlite import archive
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.mibs import standard_tree
from ridethrough.rigs.cli.main import app
from ridethrough.rigs.clock import Clock, run
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.rigs.rigfile.schema import RigFile, site_of
from ridethrough.rigs.runtime import assemble
from tests.support.live import sample
from tests.support.vectors import vector

START_S = 1_767_225_600.0


def ridethrough(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, ["journal", *words])
    assert result.exit_code == expect, (result.output, result.exception)
    return result.output


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A site file, and the folder of a gateway that saw an outage, a fault of a BMC and nonsense."""
    folder = tmp_path_factory.mktemp("outage")
    rig = RigFile.model_validate(sample("a1080a-pair.yaml"))
    bind = f"127.0.0.1:{free_port()}"

    async def play() -> None:
        for _ in range(2):  # with a restart in between
            process = assemble(rig, standard_tree(), Clock(START_S), "max", folder / "db", bind)
            await process.start()
            plant = process.emulators
            assert plant is not None
            await asyncio.sleep(10)
            plant.inject("city", "off", [])
            await asyncio.sleep(70)
            plant.inject("server1.bmc", "memory_uncorrectable", [])
            await asyncio.sleep(30)
            plant.inject("city", "on", [])
            await asyncio.sleep(200)
            await process.stop()

    run(play(), "max")
    document = site_of(rig, None, None).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    path = folder / "site.yaml"
    with path.open("w") as stream:
        YAML().dump(document, stream)
    return path, folder / "db"


def test_a_replay_gives_the_events_that_were_told(outage: tuple[Path, Path]) -> None:
    site, folder = outage
    said = ridethrough("replay", str(site), str(folder), "--compare")
    told = archive.bodies(folder)
    assert said == f"{len(told)} events, the same as were told\n"
    types = {json.loads(body)["type"] for body in told.values()}
    assert {"power.outage.confirmed", "power.outage.cleared", "ups.input.lost", "bmc.notice"} <= types


def test_what_was_told_otherwise_is_shown(outage: tuple[Path, Path], tmp_path: Path) -> None:
    site, folder = outage
    document = YAML(typ="safe", pure=True).load(site)
    document["rules"] = [{"match": {"trap": "1.3.6.1.4.1.318.0.5"}, "event": "mains.gone"}]
    changed = tmp_path / "site.yaml"
    with changed.open("w") as stream:
        YAML().dump(document, stream)
    said = ridethrough("replay", str(changed), str(folder), "--compare", expect=1)
    assert said.startswith(("+ ", "~ ", "- "))
    assert "events differ from what was told" in said
    out = tmp_path / "events.jsonl"
    ridethrough("replay", str(changed), str(folder), "--out", str(out))
    assert sum(json.loads(line)["type"] == "mains.gone" for line in out.read_text().splitlines()) >= 2


@pytest.mark.parametrize("name", ["raw.jsonl", "raw.jsonl.gz"])
def test_an_export_is_the_journal_again(outage: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    site, folder = outage
    file, copy = tmp_path / name, tmp_path / "copy"
    count, first, last = archive.extent(folder)
    assert ridethrough("export", str(folder), str(file)) == f"{file}: {count} records of {first} to {last}\n"
    octets = file.read_bytes()
    assert (gzip.decompress(octets) if name.endswith("gz") else octets).startswith(b'{"position":1,')
    assert ridethrough("import", str(file), str(copy)) == f"{copy}: {count} records added\n"
    assert list(archive.read(copy)) == list(archive.read(folder))
    assert ridethrough("replay", str(site), str(file)) == ridethrough("replay", str(site), str(folder))
    assert json.loads(ridethrough("show", str(copy), "--json")) == {
        "records": count,
        "first_position": 1,
        "last_position": last,
        "events": 0,
    }
    said = ridethrough("import", str(file), str(copy), expect=2)
    assert f"it is at position {last} already; import into a new folder" in said
    part = tmp_path / "part"
    ridethrough("export", str(folder), str(part), "--after", str(last - 3))
    assert len(part.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"nonsense\n", ":1: no record of a journal: "),
        (
            b'{"position":2,"at_ms":0,"kind":"tick","data":""}\n{"position":2,"at_ms":0,"kind":"tick","data":""}\n',
            ":2: position 2 after 2",
        ),
        (b'{"position":1,"at_ms":0,"kind":"song","data":""}\n', "Invalid enum value 'song'"),
        (None, ": No such file or directory"),
    ],
)
def test_a_file_that_is_no_export(tmp_path: Path, text: bytes | None, said: str) -> None:
    file = tmp_path / "in.jsonl"
    if text is not None:
        file.write_bytes(text)
    answer = ridethrough("import", str(file), str(tmp_path / "db"), expect=2)
    assert answer.startswith(f"ridethrough: {file}")
    assert said in answer
    assert len(answer.splitlines()) == 1


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    for words in (["show", str(tmp_path)], ["export", str(tmp_path), str(tmp_path / "x")]):
        assert ridethrough(*words, expect=2) == f"ridethrough: journal {tmp_path / FILE_NAME}: there is none\n"


def test_every_kind_of_record_survives_a_file(tmp_path: Path) -> None:
    records = [
        Record(3, Arrival(1, RecordKind.DATAGRAM, vector("net-snmp-trap-v1"), "[::1]:162", "fe80::1%lo", 9)),
        Record(5, Arrival(-4, RecordKind.TICK, b"")),
        Record(9, Arrival(2**45, RecordKind.OBSERVATION, b'{"device":"x"}')),
    ]
    assert list(archive.write_file(tmp_path / "f", records)) == [3, 5, 9]
    assert list(archive.read_file(tmp_path / "f")) == records


def test_a_cut_gzip_is_said(tmp_path: Path) -> None:
    record: Any = Record(3, Arrival(1, RecordKind.DATAGRAM, bytes(range(256)) * 20))
    list(archive.write_file(tmp_path / "f.gz", [record]))
    octets = (tmp_path / "f.gz").read_bytes()
    (tmp_path / "f.gz").write_bytes(octets[: len(octets) // 2])
    with pytest.raises(archive.ArchiveError, match="no whole gzip file"):
        list(archive.read_file(tmp_path / "f.gz"))


def test_a_running_gateway_is_not_disturbed(outage: tuple[Path, Path]) -> None:
    _, folder = outage
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as writer, writer:
        writer.execute("BEGIN IMMEDIATE")
        assert len(list(archive.read(folder))) == archive.extent(folder)[0]
        writer.execute("ROLLBACK")
