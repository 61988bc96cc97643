from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jsonschema
import pytest
from ruamel.yaml import YAML

from ridethrough.rigs.cli.main import VERBS, everything
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import running, sample, start, stop

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"
SCENARIOS = SAMPLES.parent / "scenarios"
COMMAND = [sys.executable, "-m", "ridethrough"]


def ridethrough(*words: str, url: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "RIDETHROUGH_URL": url, "COLUMNS": "100"}
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False, env=environment)


def written(path: Path, document: Any) -> Path:
    with path.open("w") as stream:
        YAML().dump(document, stream)
    return path


def verbs(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb with its words, those of groups, too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, (*words, name))
        else:
            yield (*words, name), command


ALL = dict(verbs(everything()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_verb_has_help_with_an_example(words: tuple[str, ...]) -> None:
    done = ridethrough(*words, "--help")
    assert done.returncode == 0
    assert f"ridethrough {' '.join(words)}" in " ".join(done.stdout.split())


def test_every_verb_speaks_json() -> None:
    assert {words[0] for words in ALL} == set(VERBS)
    without = {words for words, verb in ALL.items() if not any("--json" in item.opts for item in verb.params)}
    assert without == {("schema",)}  # which is JSON by itself


def test_a_rig_that_runs_for_a_program(tmp_path: Path) -> None:
    document = sample("003-a.yaml")
    rig = written(tmp_path / "rig.yaml", document)
    http = f"127.0.0.1:{free_port()}"
    process, text = start([*COMMAND, "run", str(rig), "--http", http, "--json"], "running")
    told = json.loads(text.splitlines()[-1])["running"]  # what stands before it is the log
    assert (told["rig"], told["http"]) == (document["rig"], f"http://{http}")
    assert told["devices"]["UPS1"]["snmp"] == f"{document['ups']['UPS1']['address']}:{document['ports']['snmp']}"
    with urlopen(f"{told['http']}/readyz", timeout=20) as answer:
        assert json.load(answer) == {"status": "ready"}
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=15)
    lines = [json.loads(line) for line in rest.splitlines() if line.startswith("{")]
    assert lines[-1] == {"stopped": True}
    assert all(set(line) == {"note"} for line in lines[:-1])


def test_check(tmp_path: Path) -> None:
    good = ridethrough("check", str(SAMPLES / "003-a.yaml"))
    assert (good.returncode, good.stdout.strip()) == (0, f"{SAMPLES / '003-a.yaml'}: a valid rig file, 1 warning")
    assert "warning X23" in good.stderr
    assert "a valid scenario file" in ridethrough("check", str(SCENARIOS / "C2.yaml")).stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text("rig: x\nmans: {}\n")
    refused = ridethrough("check", str(bad))
    assert refused.returncode == 2
    assert refused.stderr.strip() == f"ridethrough: {bad}:2: mans: this key is unknown here"
    assert refused.stdout == ""
    document = json.loads(ridethrough("check", str(bad), "--json").stdout)
    problems = [f"{bad}:2: mans: this key is unknown here"]
    assert document == {"file": str(bad), "valid": False, "problems": problems, "warnings": []}


@pytest.mark.parametrize(
    ("kind", "file"), [("rig", "a1080a-pair.yaml"), ("rig", "003-a.yaml"), ("scenario", "../scenarios/C2.yaml")]
)
def test_schemas_accept_the_samples(kind: str, file: str) -> None:
    schema = json.loads(ridethrough("schema", kind).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    document = YAML(typ="safe", pure=True).load((SAMPLES / file).read_text())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"timeline": 3, "mans": {}}, schema)


def test_statuses_of_failure() -> None:
    assert ridethrough("schema", "fish").returncode == 2
    nobody = ridethrough("inject", "city", "off")
    assert nobody.returncode == 3
    assert "nothing answers at http://127.0.0.1:9" in nobody.stderr
    assert ridethrough("run", "none.yaml").returncode == 2
    assert ridethrough("run", str(SAMPLES / "003-a.yaml"), "--speed", "fast").returncode == 2


def test_an_address_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    rig = written(tmp_path / "rig.yaml", document)
    http = f"127.0.0.1:{free_port()}"
    for address, port in (("127.0.1.2", document["ports"]["snmp"]), ("127.0.0.1", document["ports"]["trap"])):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
            squatter.bind((address, port))
            done = ridethrough("run", str(rig), "--http", http)
        assert done.returncode == 2
        assert f"{address}:{port}/udp is already in use" in done.stderr
        assert "Traceback" not in done.stderr
        assert "is running" not in done.stdout
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(http.rpartition(":")[2])))
        squatter.listen()
        done = ridethrough("run", str(rig), "--http", http)
    assert done.returncode == 2
    assert f"{http}/tcp is already in use" in done.stderr


@pytest.mark.parametrize("http", ["foo", "127.0.0.1:99999", ":8090", "127.0.0.1:²"])
@pytest.mark.parametrize("words", [["run", "c1"], ["emulators", "c1"], ["gateway", "gateway/deploy/site.yaml"]])
def test_a_place_that_is_none_is_explained(words: list[str], http: str) -> None:
    done = ridethrough(*words, "--http", http)
    assert (done.returncode, "expected HOST:PORT, such as 127.0.0.1:8080" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_replay_beside_what_has_its_ports_takes_others() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 1162))
        done = ridethrough("replay", "C1")
        assert (done.returncode, "16 of 16 expectations held" in done.stdout) == (0, True), done.stderr
        assert done.stderr == "127.0.0.1:1162/udp is in use, so ports that nobody uses are taken\n"
        refused = ridethrough("replay", "C1", "--ports", "high")
        assert (refused.returncode, "127.0.0.1:1162/udp is already in use" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    "words", [["check", "c1"], ["schema", "rig"], ["tree", "c1", "--json"], ["doctor"], ["--help"]]
)
def test_an_output_without_room_is_said(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ridethrough", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3,
        "ridethrough: standard output: No space left on device",
    )
    assert "Traceback" not in done.stderr


WRITERS = [
    "record ups 127.0.0.1:9 --out {}",
    "record bmc 127.0.0.1:9 --password-file {password} --out {}",
    "profile new x --from {walk} --like smart-ups-1400-100v --out {}",
    "rig generate {}",
    "rig copy card {}",
    "init {}",
    "replay C1 --junit {}",
]


@pytest.mark.parametrize("place", ["none/x", "file/x"])
@pytest.mark.parametrize("words", WRITERS)
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, words: str, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "password").write_text("admin")
    (tmp_path / "walk").write_text("1.3.6.1.2.1.1.1.0|4|a card\n")
    out = tmp_path / place
    names = {"password": tmp_path / "password", "walk": tmp_path / "walk"}
    done = ridethrough(*words.format(out if words != "init {}" else tmp_path / "file/x", **names).split())
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("ridethrough: ")
    assert any(f"{tmp_path / name}" in line for name in ("none", "file"))
    assert not list(tmp_path.glob("none*"))


def test_ctrl_c_stops_in_order(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    rig = written(tmp_path / "rig.yaml", document)
    http = f"127.0.0.1:{free_port()}"
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
        assert live.ridethrough("inject", "city", "off").strip() == "city: off"
        assert "accepted: on, off, volts, sag, swell, noise, quiet, hertz" in live.ridethrough(
            "inject", "city", "bang", expect=2
        )
        rows = json.loads(live.ridethrough("devices", "--json"))["devices"]
        assert [row["id"] for row in rows] == ["UPS1", "UPS2", "server1", "server1.bmc", "server2", "server2.bmc"]
        assert "server2.bmc" in live.ridethrough("devices")
        done = live.ridethrough("command", "UPS1", "output.off")
        assert done.startswith("done: upsBasicControlConserveBattery.0 = 2")
        assert "accepted: output.off" in live.ridethrough("command", "UPS1", "explode", expect=2)
        live.until("server1.bmc", lambda state: state["state"] == "off")
        said = live.ridethrough("inject", "server1.bmc", "memory_uncorrectable", expect=1)
        assert said == "ridethrough: server1.bmc has no power\n"
        assert live.ridethrough("inject", "server1", "power_button", expect=1) == "ridethrough: server1 has no power\n"
        for path, body in (
            ("server1.bmc/inputs", {"input": "cpu_ierr"}),
            ("server1.bmc/console", {"text": "root"}),
        ):
            request = Request(f"{live.url}/lab/v1/devices/{path}", json.dumps(body).encode(), method="POST")
            with pytest.raises(HTTPError) as refused:
                urlopen(request, timeout=20)
            with refused.value as answer:
                assert (answer.status, json.load(answer)["detail"]) == (409, "server1.bmc has no power")
        follower = subprocess.Popen(
            [*COMMAND, "events", "--follow"], stdout=subprocess.PIPE, text=True, env=live.environment
        )
        assert follower.stdout is not None
        for line in follower.stdout:
            if "power.outage.confirmed" in line and "UPS2" in line:
                break
        follower.terminate()
        follower.communicate()


def test_emulators_and_gateway_in_processes_of_their_own(tmp_path: Path) -> None:
    """The gateway cannot tell that its devices are emulated: it knows addresses, nothing else."""
    document = sample("a1080a-pair.yaml")
    rig, site, ports = tmp_path / "rig.yaml", tmp_path / "site.yaml", document["ports"]
    http = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    devices = {
        name: {"kind": "ups", "address": ups["address"], "snmp": {"port": ports["snmp"]}, "poll_s": 1}
        for name, ups in document["ups"].items()
    }
    (tmp_path / "password").write_text("admin\n")
    bmc = {"kind": "bmc", "port": ports["ipmi"], "user": "admin", "password_file": str(tmp_path / "password")}
    devices["server1-bmc"] = bmc | {"address": "127.0.11.1", "server": "server1"}
    listen = [{"address": address, "port": ports["trap"]} for address in ("127.0.0.1", "127.0.21.1")]
    keyword = {"common": f"127.0.21.1:{ports['trap']}", "server1": f"127.0.21.1:{ports['trap']}"}
    monitors = [{"name": "mrw1", "keyword": keyword}]
    for path, content in (
        (rig, document),
        (site, {"listen": listen, "devices": devices, "monitors": monitors, "api": {"bind": http[0]}}),
    ):
        written(path, content)
    gateway, _ = start([*COMMAND, "gateway", str(site)], "gateway ready")
    plant, text = start([*COMMAND, "emulators", str(rig), "--http", http[1]], "Ctrl-C stops it.")
    try:
        assert f"http://{http[1]}/lab/v1/world" in text
        for words in (["city", "off"], ["server1.bmc", "cpu_ierr"]):
            done = ridethrough("inject", *words, url=f"http://{http[1]}")
            assert done.returncode == 0, done.stderr
        seen = ""
        while "bmc.notice" not in seen or "ups.input.lost" not in seen:  # the test's own timeout bounds this
            seen = ridethrough("events", url=f"http://{http[0]}").stdout
        done = ridethrough("command", "server1-bmc", "power.off", url=f"http://{http[0]}")
        assert done.stdout.startswith("done: chassis control off accepted"), done.stderr
    finally:
        stop(plant)
        stop(gateway)


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    sink = "sinks: {ops: {type: webhook, url: 'http://127.0.0.1:1/', secret_file: SECRET}}\n"
    for secret, words in ((tmp_path / "none", "No such file"), (tmp_path / "bad", "expected base64")):
        (tmp_path / "bad").write_text("!!")
        site.write_text(f"listen: [{{port: {free_port()}}}]\n" + sink.replace("SECRET", str(secret)))
        done = ridethrough("gateway", str(site), "--http", f"127.0.0.1:{free_port()}")
        assert done.returncode == 2
        assert f"sinks.ops.secret_file {secret}: {words}" in done.stderr
        assert "Traceback" not in done.stderr


def test_binding_wider_without_tokens_is_refused(tmp_path: Path) -> None:
    done = ridethrough("run", str(SAMPLES / "003-a.yaml"), "--http", "0.0.0.0:8080")
    assert done.returncode == 2
    assert "api.tokens must name at least one token" in done.stderr
