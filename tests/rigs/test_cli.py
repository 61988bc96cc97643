from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from rigs.cli.main import app
from tests.support.live import free_port, running, sample, start

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"
COMMAND = [sys.executable, "-m", "rigs.cli"]


def standin(*words: str, url: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "STANDIN_URL": url, "COLUMNS": "100"}
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("verb", [command.name or command.callback.__name__ for command in app.registered_commands])  # type: ignore[union-attr]
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    done = standin(verb, "--help")
    assert done.returncode == 0
    assert f"standin {verb}" in " ".join(done.stdout.split())


def test_check(tmp_path: Path) -> None:
    good = standin("check", str(SAMPLES / "003-a.yaml"))
    assert (good.returncode, good.stdout.strip()) == (0, f"{SAMPLES / '003-a.yaml'}: a valid rig file")
    assert "a valid scenario file" in standin("check", str(SAMPLES / "scenarios" / "c2.yaml")).stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text("rig: x\nmans: {}\n")
    refused = standin("check", str(bad))
    assert refused.returncode == 2
    assert refused.stderr.strip() == f"standin: {bad}:2: mans: this key is unknown here"
    assert refused.stdout == ""
    document = json.loads(standin("check", str(bad), "--json").stdout)
    assert document == {"file": str(bad), "valid": False, "problems": [f"{bad}:2: mans: this key is unknown here"]}


@pytest.mark.parametrize(
    ("kind", "file"), [("rig", "a1080a-pair.yaml"), ("rig", "003-a.yaml"), ("scenario", "scenarios/c2.yaml")]
)
def test_schemas_accept_the_samples(kind: str, file: str) -> None:
    schema = json.loads(standin("schema", kind).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    document = YAML(typ="safe").load((SAMPLES / file).read_text())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"timeline": 3, "mans": {}}, schema)


def test_statuses_of_failure() -> None:
    assert standin("schema", "fish").returncode == 2
    nobody = standin("inject", "city", "off")
    assert nobody.returncode == 3
    assert "nothing answers at http://127.0.0.1:9" in nobody.stderr
    assert standin("run", "none.yaml").returncode == 2
    assert standin("run", str(SAMPLES / "003-a.yaml"), "--speed", "fast").returncode == 2


def test_an_address_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    rig = tmp_path / "rig.yaml"
    with rig.open("w") as stream:
        YAML().dump(document, stream)
    http = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    for address, port in (("127.0.1.2", document["ports"]["snmp"]), ("127.0.0.1", document["ports"]["trap"])):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
            squatter.bind((address, port))
            done = standin("run", str(rig), "--http", http)
        assert done.returncode == 2
        assert f"{address}:{port}/udp is already in use" in done.stderr
        assert "Traceback" not in done.stderr
        assert "is running" not in done.stdout
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(http.rpartition(":")[2])))
        squatter.listen()
        done = standin("run", str(rig), "--http", http)
    assert done.returncode == 2
    assert f"{http}/tcp is already in use" in done.stderr


def test_ctrl_c_stops_in_order(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    rig = tmp_path / "rig.yaml"
    with rig.open("w") as stream:
        YAML().dump(document, stream)
    http = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    process, text = start(
        [*COMMAND, "run", str(rig), "--http", http, "--data", str(tmp_path / "d")], "Ctrl-C stops it."
    )
    assert f"snmpget -v1 -c public 127.0.1.1:{document['ports']['snmp']}" in text
    assert f"http://{http}/" in text
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=15)
    assert process.returncode == 130
    assert rest.rstrip().endswith("stopped")
    assert "Traceback" not in rest


def test_a_rig_and_the_verbs_that_talk_to_it(tmp_path: Path) -> None:
    with running(sample("a1080a-pair.yaml"), tmp_path, "--speed", "20") as live:
        assert live.standin("inject", "city", "off").strip() == "city: off"
        assert "accepted: on, off, volts, hertz" in live.standin("inject", "city", "bang", expect=2)
        rows = json.loads(live.standin("devices", "--json"))["devices"]
        assert [row["id"] for row in rows] == ["UPS1", "UPS2", "server1.bmc", "server2.bmc"]
        assert "server2.bmc" in live.standin("devices")
        done = live.standin("command", "UPS1", "output.off")
        assert done.startswith("done: upsBasicControlConserveBattery.0 = 2")
        assert "accepted: output.off" in live.standin("command", "UPS1", "explode", expect=2)
        follower = subprocess.Popen(
            [*COMMAND, "events", "--follow"], stdout=subprocess.PIPE, text=True, env=live.environment
        )
        assert follower.stdout is not None
        for line in follower.stdout:
            if "power.outage.confirmed" in line and "UPS2" in line:
                break
        follower.terminate()
        follower.communicate()
