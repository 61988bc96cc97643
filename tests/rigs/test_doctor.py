from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import running, sample

DROPPED = ["setpriv", "--bounding-set", "-net_bind_service,-net_raw,-net_admin"]


def doctor(*words: str, wrapper: list[str] | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
    command = [*(wrapper or []), sys.executable, "-m", "ridethrough", "doctor", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {row["what"]: row for row in json.loads(done.stdout)}


def test_a_machine_that_has_what_is_needed(tmp_path: Path) -> None:
    status, found = doctor("--data", str(tmp_path))
    assert status == 0
    assert found["low ports"]["verdict"] == "ok"
    assert found["spoofed sources"]["verdict"] == "ok"
    assert str(tmp_path) in found["journal"]["detail"]
    assert list(tmp_path.iterdir()) == []


def test_rights_that_are_missing_are_named_with_the_next_step() -> None:
    status, found = doctor(wrapper=DROPPED)
    assert status == 0
    assert found["low ports"]["verdict"] == "warning"
    assert "CAP_NET_BIND_SERVICE" in found["low ports"]["advice"]
    assert "CAP_NET_RAW" in found["spoofed sources"]["advice"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    status, found = doctor("--data", str(tmp_path / "none"))
    assert (status, found["journal"]["verdict"]) == (1, "failed")
    assert "No such file" in found["journal"]["detail"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    path = tmp_path / "rig.yaml"
    with path.open("w") as stream:
        YAML().dump(document, stream)
    status, found = doctor(str(path))
    assert status == 0, found
    place = f"127.0.1.2:{document['ports']['snmp']}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.1.2", document["ports"]["snmp"]))
        status, found = doctor(str(path))
    assert status == 1
    assert found[f"{place}/udp"] == {
        "what": f"{place}/udp",
        "verdict": "failed",
        "detail": "UPS2: Address already in use",
        "advice": "stop what runs there (ss -lnptu shows it), or change the file",
    }


def test_devices_of_a_site_are_asked(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    with running(document, tmp_path):
        ports = document["ports"]
        site: dict[str, Any] = {
            "listen": [{"address": "127.0.0.1", "port": free_port()}],
            "api": {"bind": f"127.0.0.1:{free_port()}"},
            "devices": {
                "card": {"kind": "ups", "address": "127.0.1.1", "snmp": {"port": ports["snmp"]}},
                "bmc": {"kind": "bmc", "address": "127.0.11.1", "port": ports["ipmi"], "password": "admin"},
            },
        }
        path = tmp_path / "site.yaml"
        with path.open("w") as stream:
            YAML().dump(site, stream)
        status, found = doctor(str(path))
        assert status == 0, found
        assert "up for" in found["card"]["detail"]
        assert "answers a presence ping" in found["bmc"]["detail"]

        site["devices"]["gone"] = {"kind": "ups", "address": "127.0.1.99", "snmp": {"port": free_port()}}
        with path.open("w") as stream:
            YAML().dump(site, stream)
        status, found = doctor(str(path))
        assert status == 3
        assert found["gone"]["verdict"] == "failed"
        assert found["card"]["verdict"] == "ok"


def test_people_read_a_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ridethrough", "doctor"], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stdout.splitlines()
    assert any(line.split()[:3] == ["ok", "low", "ports"] for line in lines)
    assert "\x1b" not in done.stdout
