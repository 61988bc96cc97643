"""The look at the ports before anything is installed must want what the rig itself will want, and no more."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ridethrough.emulators.config.ports import HIGH_PORTS, Ports
from ridethrough.rigs import preflight
from ridethrough.rigs.doctor import bindings
from ridethrough.rigs.rigfile.ports import PortChoice, free_port
from ridethrough.rigs.rigfile.schema import load_rig, site_of

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "rigs/samples").glob("*.yaml"))
PAIR = ROOT / "rigs/samples/a1080a-pair.yaml"


def say(*words: str, wrapper: tuple[str, ...] = ()) -> tuple[int, str]:
    """Status and words of the script, run as the Makefile runs it."""
    command = [*wrapper, sys.executable, "-I", str(ROOT / "rigs/preflight.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_ports_are_those_of_the_emulators() -> None:
    assert Ports().model_dump() == preflight.FILE
    assert HIGH_PORTS.model_dump() == preflight.HIGH


@pytest.mark.parametrize("choice", ["file", "high"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_device_of_a_sample_is_looked_at(path: Path, choice: PortChoice) -> None:
    rig = load_rig(path, choice)
    found = list(bindings(site_of(rig, None, None), rig))
    # Where a site listens besides its own port of traps stands in lists that need a parser.
    wanted = {row.what for row in found if not row.detail.startswith("traps") or row.what.startswith("127.0.0.1")}
    asked = {f"{host}:{port}/{transport}" for host, port, transport in preflight.places(path.read_text(), choice, "")}
    assert wanted <= asked


@pytest.mark.parametrize(
    "text",
    [
        "ports: {snmp: 1234, http: off}\nmains: {}\n",
        "ports:\n  snmp: 1234  # of the card\n\n  http: off\nmains:\n  snmp: 7\n",
        "mains: {}\nports:\n# comment\n  http: off\n  snmp: 1234",
    ],
)
def test_the_ports_of_a_file_are_read_however_they_are_written(text: str) -> None:
    others = {name: port for name, port in preflight.FILE.items() if name != "http"}
    assert preflight.ports_of(text) == others | {"snmp": 1234}


def test_without_the_right_the_advice_is_a_command_of_the_readme(tmp_path: Path) -> None:
    dropped = ("setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service")
    http = f"127.0.0.1:{free_port()}"
    status, said = say(str(PAIR), "file", http, wrapper=dropped)
    assert (status, "may not bind ports below 1024" in said) == (2, True)
    (advice,) = [line.split("    ")[1] for line in said.splitlines() if line.startswith("    ")]
    assert advice in (ROOT / "README.md").read_text()
    assert say(str(PAIR), "free", http, wrapper=dropped) == (0, "")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_is_named(tmp_path: Path, kind: socket.SocketKind) -> None:
    name, transport = ("snmp", "udp") if kind == socket.SOCK_DGRAM else ("console", "tcp")
    port = free_port()
    rig = tmp_path / "rig.yaml"
    ports = {"snmp": free_port(), "http": "off", "console": "off", "ipmi": free_port()} | {name: port}
    lines = [f"  {key}: {value}\n" for key, value in ports.items()]
    rig.write_text(f'ports:\n{"".join(lines)}ups: {{A: {{address: "127.0.1.7"}}}}\n')
    http = f"127.0.0.1:{free_port()}"
    with socket.socket(type=kind) as other:
        other.bind(("0.0.0.0", port))
        if kind == socket.SOCK_STREAM:
            other.listen()
        status, said = say(str(rig), "file", http)
        assert (status, f"127.0.1.7:{port}/{transport}" in said) == (2, True), said
        assert "make run PORTS=high" in said
        assert say(str(rig), "free", http) == (0, "")
    assert say(str(rig), "file", http) == (0, "")


def test_a_taken_console_is_moved_by_a_command_of_its_own() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        status, said = say(str(PAIR), "high", f"127.0.0.1:{other.getsockname()[1]}")
    assert (status, "make run HTTP=127.0.0.1:" in said) == (2, True)


@pytest.mark.parametrize("rig", ["no-such-rig", "x" * 300, "no/such/rig.yaml", ""])
def test_a_rig_that_is_not_there_is_refused_before_anything_is_installed(rig: str) -> None:
    status, said = say(rig, "file", "")
    assert status == 2
    assert said.startswith(f"RIG={rig}: there is no such file, and no rig of that name; rigs: 001-ssc, ")


def test_a_file_that_cannot_be_read_is_left_to_the_program(tmp_path: Path) -> None:
    (tmp_path / "rig.yaml").write_bytes(b"\xff\xfe")
    assert say(str(tmp_path / "rig.yaml"), "file", "") == (0, "")
    assert say(str(tmp_path), "file", "") == (0, "")


@pytest.mark.parametrize("choice", ["nonsense", "", "FREE"])
def test_a_choice_of_ports_that_there_is_not_is_refused_before_anything_is_installed(choice: str) -> None:
    assert say(str(PAIR), choice, "") == (2, f"PORTS={choice}: expected file, high, free\n")


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {devices: {REAL: {kind: ups, address: 192.0.2.7}}}\nups: {A: {address: 127.0.1.7}}\n",
        "ups: {A: {address: 127.0.1.7}}\ngateway:\n  devices:\n    REAL:\n      address: 192.0.2.7\n\n# end\n",
        "ups:\n  A:\n    address: 127.0.1.7\ngroups:\n  g: {policy: {address: 192.0.2.255}}\n",
        "controllers:\n- {type: x, address: 192.0.2.7}\n- {type: y}\nups: {A: {address: '127.0.1.7'}}",
    ],
)
def test_only_the_devices_of_the_rig_are_looked_at(text: str) -> None:
    assert {address for address, _, _ in preflight.places(text, "file", "")} == {"127.0.0.1", "127.0.1.7"}


def test_a_name_is_looked_at_like_its_file() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        http = f"127.0.0.1:{other.getsockname()[1]}"
        assert say("a1080a-pair", "free", http) == say(str(PAIR), "free", http)
        assert say("a1080a-pair", "free", http)[0] == 2


@pytest.mark.parametrize(
    "text", ["foo", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:", ":8090", "8090", "[::1]:x", "a:²"]
)
def test_what_is_no_place_for_the_console_is_refused_before_anything_is_installed(text: str) -> None:
    advice = "expected an address and a port, such as HTTP=127.0.0.1:8090"
    assert say(str(PAIR), "free", text) == (2, f"HTTP={text}: {advice}\n")
