from __future__ import annotations

import json
import re
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from ridethrough.rigs.rigfile.bundled import FOLDER, names
from ridethrough.rigs.rigfile.generate import LARGEST, generated
from ridethrough.rigs.rigfile.schema import RigFile, load_rig


def ridethrough(*words: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "ridethrough", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_every_rig_that_comes_along_says_what_it_is() -> None:
    shown = json.loads(ridethrough("rig", "list", "--json"))
    assert set(shown) == {path.stem for path in FOLDER.glob("*.yaml")}
    assert all(len(text) > 20 for text in shown.values()), shown


def test_a_rig_is_named_copied_and_not_written_over(tmp_path: Path) -> None:
    assert "電源グループ1" in ridethrough("tree", "c1")
    copy = tmp_path / "rack.yaml"
    ridethrough("rig", "copy", "a1080a-pair", str(copy))
    assert copy.read_bytes() == (FOLDER / "a1080a-pair.yaml").read_bytes()
    assert "is there already" in ridethrough("rig", "copy", "a1080a-pair", str(copy), status=2)
    assert f"no rig of that name; rigs: {names()[0]}" in ridethrough("tree", "nosuch", status=2)
    assert "none.yaml: there is no such file" in ridethrough("tree", str(tmp_path / "none.yaml"), status=2)


@pytest.mark.parametrize(("ups", "bmcs"), [(3, 7), (0, 2), (2, 0)])
def test_a_generated_rig_is_a_valid_one(tmp_path: Path, ups: int, bmcs: int) -> None:
    path = tmp_path / "many.yaml"
    ridethrough("rig", "generate", str(path), "--ups", str(ups), "--bmc", str(bmcs))
    rig = load_rig(path)
    assert (len(rig.ups), len(rig.servers)) == (ups, bmcs)
    assert "a valid rig file" in ridethrough("check", str(path))


def test_every_generated_device_has_an_address_of_its_own() -> None:
    rig = RigFile.model_validate(generated(600, 600, "smart-ups-1400-100v"))
    bmcs = [server.bmc.address for server in rig.servers.values() if server.bmc is not None]
    addresses = [
        *(ups.address for ups in rig.ups.values()),
        *(server.address for server in rig.servers.values()),
        *bmcs,
    ]
    assert len(set(addresses)) == 1800
    assert all(ip_address(text).is_loopback for text in addresses)
    last = list(generated(LARGEST + 1, 0, "p")["ups"].values())[-1]
    assert last["address"] == "127.17.0.1"


def test_the_addresses_that_a_machine_must_be_given(tmp_path: Path) -> None:
    lab = FOLDER.parent / "deploy" / "lab" / "rig.yaml"
    listed = ridethrough("rig", "addresses", str(lab)).split()
    assert listed == json.loads(ridethrough("rig", "addresses", str(lab), "--json"))
    written = re.findall(r"172\.29\.77\.\d+", lab.read_text().replace("keyword", "\n").split("clusters:")[0])
    assert sorted(listed) == sorted(set(written) - {"172.29.77.0"})
    assert ridethrough("rig", "addresses", "a1080a-pair") == ""
    both = tmp_path / "both.yaml"
    both.write_text(
        "rig: both\ngateway: {listen: [{address: 192.0.2.9, port: 1162}, {address: 127.0.0.1, port: 1162}]}\n"
    )
    assert ridethrough("rig", "addresses", str(both)).split() == ["192.0.2.9"]


def limited(path: Path, limit: str) -> tuple[int, str]:
    """Emulators under a limit of open files, ended once they run."""
    command = [sys.executable, "-m", "ridethrough", "emulators", str(path), "--ports", "free", "--http", "127.0.0.1:0"]
    words = ["sh", "-c", f'ulimit {limit}; exec "$@"', "-", *command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline():
        process.terminate()
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_more_devices_than_files_may_be_open(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    ridethrough("rig", "generate", str(path), "--ups", "80")
    status, errors = limited(path, "-n 60")
    assert status == 2
    assert re.search(r"udp cannot be bound: .* 60 files and sockets open, .*ulimit -n", errors), errors
    assert "Traceback" not in errors
    status, errors = limited(path, "-S -n 60")  # a limit that may be raised is
    assert status == 0
    assert [line for line in errors.splitlines() if "runs interpreted" not in line] == []
