"""What controllers' consoles show, at the command line and over HTTP (001 7.2, 003 1.7.4.3(19), 1.7.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ridethrough.rigs.lab.controller_views import view, views
from tests.support.live import Live, running, sample


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, str]]:
    """A cluster with its controller, sixty times as fast as the wall clock, some minutes old."""
    folder: Path = tmp_path_factory.mktemp("views")
    document = sample("nodes-2.yaml") | {"controllers": [{"type": "esmpro_ac", "name": "ac"}]}
    with running(document, folder, "--speed", "60") as live:
        live.wait(130)
        live.tell_controller("ac", "collect")
        live.wait(10)
        yield live, str(folder / "rig.yaml")


def test_the_windows_of_the_servers(rig: tuple[Live, str]) -> None:
    live, file = rig
    rows = json.loads(live.ridethrough("status", file, "--show", "gui", "--language", "en", "--json"))
    assert [row["server"] for row in rows] == ["NODE1", "NODE2"]
    assert (rows[1]["cluster"], rows[1]["cluster linkage"]) == ("cluster", "ON")
    assert (rows[1]["linked servers"], rows[1]["automatic running"]) == ("NODE1, NODE2", "running")
    lines = live.ridethrough("status", file, "--show", "gui").splitlines()
    assert lines[0].split()[:4] == ["サーバ名", "クラスタ名", "クラスタ連携", "クラスタ連携サーバ名"]
    assert "実行中" in lines[1]


def test_settings_and_statistics(rig: tuple[Live, str]) -> None:
    live, file = rig
    settings = json.loads(live.ridethrough("status", file, "--show", "settings", "--json"))
    assert settings[0] == {"項目": "UPS型名", "UPS1": "SMART-UPS 1400", "UPS2": "SMART-UPS 1400"}
    assert {"項目": "電源切断猶予時間", "UPS1": "300", "UPS2": "300"} in settings
    statistics = live.ridethrough("status", file, "--show", "statistics", "--language", "en").splitlines()
    assert statistics[0].split() == ["UPS", "samples", "last", "in[V]", "out[V]", "load[%]", "charge[%]", "°C"]
    assert "100 (100..100)" in statistics[1]
    assert live.ridethrough("status", file, "--show", "weather", expect=2)


def test_console_and_top_show_the_same(rig: tuple[Live, str]) -> None:
    live, _ = rig
    shown = live.lab("groups?language=en")["views"]
    assert [table["title"] for table in shown] == ["ESMPRO/AC GUI", "SNMP settings", "statistics"]
    line = next(line for line in live.ridethrough("top", "--once").splitlines() if line.startswith("-- ac"))
    assert "master NODE1, cluster linkage cluster, " in line
    assert " samples, " in line


def test_controllers_without_consoles_have_no_tables() -> None:
    assert views([{"name": "watch", "type": "watch"}], "ja") == []
    assert view("settings", [], "en").rows == []
