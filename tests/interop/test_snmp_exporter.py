"""Prometheus' snmp_exporter, which walks whole subtrees by GETBULK and reports each number under the object's name."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find
from tests.support.live import american_sample, running, tool

UPS = "1.3.6.1.4.1.318.1.1.1"
UPS_MIB = "1.3.6.1.2.1.33.1"

# What the exporter shall report: name, object, and whether it is a column (UPS-MIB indexes those by input or output line).
METRICS = [
    ("sysUpTime", "1.3.6.1.2.1.1.3", False),
    ("upsBasicBatteryStatus", f"{UPS}.2.1.1", False),
    ("upsAdvBatteryRunTimeRemaining", f"{UPS}.2.2.3", False),
    ("upsHighPrecBatteryCapacity", f"{UPS}.2.3.1", False),
    ("upsAdvInputLineVoltage", f"{UPS}.3.2.1", False),
    ("upsBasicOutputStatus", f"{UPS}.4.1.1", False),
    ("upsAdvOutputVoltage", f"{UPS}.4.2.1", False),
    ("upsCommStatus", f"{UPS}.8.1", False),
    ("upsBatteryStatus", f"{UPS_MIB}.2.1", False),
    ("upsEstimatedChargeRemaining", f"{UPS_MIB}.2.4", False),
    ("upsInputVoltage", f"{UPS_MIB}.3.3.1.3", True),
    ("upsOutputVoltage", f"{UPS_MIB}.4.4.1.2", True),
]


def module() -> dict[str, object]:
    """What is asked for and how it is named; the same in every version of the exporter."""
    return {
        # The battery, input, output, identity and UPS-MIB groups whole; empty ones among them must end cleanly.
        "walk": [f"{UPS}.2", f"{UPS}.3", f"{UPS}.4", f"{UPS}.7.2", f"{UPS}.12", UPS_MIB],
        "get": [f"{UPS}.8.1.0", "1.3.6.1.2.1.1.3.0"],
        "metrics": [
            {
                "name": name,
                "oid": oid,
                "type": "gauge",
                "help": name,
                "indexes": [{"labelname": "line", "type": "gauge"}] if table else [],
            }
            for name, oid, table in METRICS
        ],
    }


def configuration(*, split: bool) -> dict[str, object]:
    """Both SNMP versions; since 0.23 they and the communities stand apart from the modules."""
    if split:
        auths = {f"v{version}": {"community": "public", "version": version} for version in (1, 2)}
        return {"auths": auths, "modules": {"card": module()}}
    return {f"v{version}": {"version": version, "auth": {"community": "public"}} | module() for version in (1, 2)}


@contextmanager
def exporter(folder: Path) -> Iterator[str]:
    """The exporter; yields the address of its scrapes, with all but the target and the version, once it listens."""
    program, address = str(find("prometheus-snmp-exporter")), f"127.0.0.1:{free_port()}"
    version = re.search(r"version (\d+)\.(\d+)", tool(program, "--version"))
    assert version
    split = (int(version[1]), int(version[2])) >= (0, 23)
    with (folder / "snmp.yml").open("w") as text:
        YAML(typ="safe", pure=True).dump(configuration(split=split), text)
    command = [program, f"--config.file={folder}/snmp.yml", f"--web.listen-address={address}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "Listening on" in line or "TLS is disabled" in line:
                break
        yield f"http://{address}/snmp?{'module=card&auth' if split else 'module'}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def scrape(exporter: str, target: str, version: str) -> dict[str, float]:
    """One scrape, as `metric{labels}: value`; an error of the exporter is an answer with status 500."""
    url = f"{exporter}={version}&{urllib.parse.urlencode({'target': target})}"
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                text = answer.read().decode()
            break
        except urllib.error.HTTPError as error:
            pytest.fail(error.read().decode())
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "the exporter does not listen"
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {metric: float(value) for metric, _, value in lines}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_card_is_scraped_whole(tmp_path: Path, version: str) -> None:
    with running(american_sample(), tmp_path) as live, exporter(tmp_path) as address:
        before = scrape(address, live.card("UPS2"), version)
        live.tell("us off")
        after = scrape(address, live.card("UPS2"), version)

    assert before["upsBasicOutputStatus"] == 2
    assert before["upsBasicBatteryStatus"] == 2
    assert before["upsHighPrecBatteryCapacity"] == 1000
    assert before["upsAdvInputLineVoltage"] == before["upsAdvOutputVoltage"] == 120
    assert before['upsInputVoltage{line="1"}'] == before['upsOutputVoltage{line="1"}'] == 120
    assert before["upsEstimatedChargeRemaining"] == 100
    assert before["upsCommStatus"] == 1
    assert before["sysUpTime"] < after["sysUpTime"]
    assert after["upsBasicOutputStatus"] == 3
    assert after["upsAdvInputLineVoltage"] == 0
    assert 0 < after["upsAdvBatteryRunTimeRemaining"] <= before["upsAdvBatteryRunTimeRemaining"]
    assert {name for name, _, _ in METRICS} <= {metric.partition("{")[0] for metric in before}
