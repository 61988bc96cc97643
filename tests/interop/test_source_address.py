"""The address that a card is asked from (003 1.7.4.1): net-snmp's agent, which lets one manager in, is the card."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import start, stop
from tests.support.sites import Site

MANAGER, OTHER, STRANGER = "127.0.21.1", "127.0.21.2", "127.0.21.9"


@contextmanager
def agent(folder: Path, port: int) -> Iterator[None]:
    """snmpd at 127.0.1.1, which answers `MANAGER` only; upsBasicIdentName is its own, so that it can be asked for."""
    config = folder / "snmpd.conf"
    name = ".1.3.6.1.4.1.318.1.1.1.1.1.2.0"
    config.write_text(f'rocommunity public {MANAGER}\noverride {name} octet_str "RACK7"\n')
    words = ["snmpd", "-f", "-Lo", "-C", "-c", str(config), "-I", "-smux", f"udp:127.0.1.1:{port}"]
    process, _ = start(["env", f"SNMP_PERSISTENT_DIR={folder}", *words], "NET-SNMP version")
    try:
        yield
    finally:
        stop(process)


def device(port: int, **snmp: Any) -> dict[str, Any]:
    return {"kind": "ups", "address": "127.0.1.1", "snmp": {"port": port, **snmp}, "silence_s": 5, "poll_s": 1}


def give(site: Site, **params: Any) -> dict[str, Any]:
    body = {"command": "settings.read", "params": params, "deadline_s": 8}
    document: dict[str, Any] = site.ask("/v1/devices/UPS1/commands", body)
    while document.get("state") in ("pending", "running"):  # the test's own timeout bounds this
        document = site.ask(f"/v1/commands/{document['id']}")
    return document


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    number = free_port()
    with agent(tmp_path, number):
        yield number


def test_polls_and_commands_come_from_the_source(tmp_path: Path, port: int) -> None:
    site = Site(tmp_path, devices={"UPS1": device(port, source=MANAGER, command_sources=[OTHER])})
    try:
        while site.ask("/v1/devices/UPS1")["heard_s_ago"] is None:  # the test's own timeout bounds this
            pass
        done = give(site)
        assert (done["state"], done["details"]["settings"]) == ("done", {"name": "RACK7"})
        refused = give(site, source=OTHER)
        assert refused["state"] == "expired"
        assert f"127.0.1.1 asked from {OTHER}: " in refused["result"]
        assert "accepted: 127.0.21.2" in give(site, source=STRANGER)["detail"]
    finally:
        site.close()


def test_another_source_is_a_silent_card_until_a_command_names_the_right_one(tmp_path: Path, port: int) -> None:
    site = Site(tmp_path, devices={"UPS1": device(port, source=OTHER, command_sources=[MANAGER])})
    try:
        while not site.events("ups.card.lost"):  # the test's own timeout bounds this
            pass
        assert site.ask("/v1/devices/UPS1")["readings"] == {}
        assert give(site, source=MANAGER)["details"]["settings"] == {"name": "RACK7"}
    finally:
        site.close()


def test_a_source_that_this_machine_does_not_have(tmp_path: Path, port: int) -> None:
    """For polls the gateway does not start; a command that names it fails."""
    site = Site(tmp_path, devices={"UPS1": device(port, command_sources=["192.0.2.77"])})
    try:
        assert give(site, source="192.0.2.77")["result"].startswith("nothing can be asked from 192.0.2.77: ")
    finally:
        site.close()
    document = YAML(typ="safe", pure=True).load(site.file)
    document["devices"]["UPS1"]["snmp"]["source"] = "192.0.2.77"
    with site.file.open("w") as stream:
        YAML().dump(document, stream)
    words = [sys.executable, "-m", "ridethrough", "gateway", str(site.file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "devices.UPS1.snmp.source: nothing can be sent from 192.0.2.77" in done.stderr


@pytest.mark.parametrize("snmp", [{"source": "::1"}, {"source": MANAGER, "command_sources": ["::1"]}])
def test_a_source_of_another_family(tmp_path: Path, snmp: dict[str, Any]) -> None:
    file = tmp_path / "site.yaml"
    with file.open("w") as stream:
        YAML().dump({"devices": {"UPS1": device(161, **snmp)}}, stream)
    words = [sys.executable, "-m", "ridethrough", "gateway", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "::1" in done.stderr
