"""What people deploy Ridethrough with: compose files, Kubernetes manifests, units, the Dockerfile."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from ridethrough import __version__
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find, offered
from tests.support.live import start, stop, tool

ROOT = Path(__file__).parents[2]
COMPOSE = [ROOT / "compose.yaml", *sorted(ROOT.glob("*/deploy/*/compose.yaml"))]
MANIFESTS = sorted(ROOT.glob("*/deploy/kubernetes.yaml"))
LOGIN = ("-U", "admin", "-P", "admin")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Minor versions of Kubernetes that get patches, with the end of their support: kubernetes.io/releases, read 2026-11-30.
KUBERNETES = {"1.35": "2027-02-28", "1.36": "2027-06-28", "1.37": "2027-10-28"}
TARGETS = set(re.findall(r"^FROM base AS (\w+)$", DOCKERFILE, re.MULTILINE))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def ridethrough(*words: str | Path) -> str:
    """What `ridethrough` says of words that would be right if their files were there."""
    done = subprocess.run(
        [sys.executable, "-m", "ridethrough", *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def test_there_is_one_for_each_use() -> None:
    assert {relative(path.parent) for path in COMPOSE} == {
        ".",
        "rigs/deploy/lab",
        "rigs/deploy/ci",
        "gateway/deploy/field",
    }
    assert {"emulators", "gateway", "ridethrough"} == TARGETS
    assert len(MANIFESTS) == 2


def compose_errors(path: Path, document: Any) -> list[str]:
    """What Compose has against a file: the program itself, or its schema where that is all that runs without an engine."""
    if offered("compose_spec.json"):
        schema = json.loads(find("compose_spec.json").read_text())
        return [error.message for error in Draft7Validator(schema).iter_errors(document)]
    words = [str(find("docker-compose")), "--file", str(path), "config", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return [done.stderr] if done.returncode or done.stderr else []


def test_a_file_that_compose_does_not_take_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services:\n  gateway:\n    image: x\n    port: 8080\n")
    assert "port" in str(compose_errors(path, read(path)))


@pytest.mark.parametrize("path", COMPOSE, ids=relative)
def test_a_compose_file_is_one_and_gives_few_rights(path: Path) -> None:
    document = read(path)
    assert not compose_errors(path, document)
    for service in document["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        assert "privileged" not in service
        if "build" in service:
            assert service["build"]["target"] in TARGETS
            assert (path.parent / service["build"]["context"]).resolve() == ROOT
        for place in service.get("ports", ()):
            assert place.startswith("127.0.0.1:") or place.endswith("/udp"), "HTTP is published for this machine only"
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.endswith(".yaml"):
                assert "a valid" in ridethrough("check", path.parent / source)


@pytest.mark.parametrize("path", COMPOSE, ids=relative)
def test_the_words_of_a_compose_file_are_those_of_the_program(path: Path) -> None:
    for service in read(path)["services"].values():
        words = service.get("command", ["gateway", "site.yaml"])
        if service.get("entrypoint"):
            assert "ridethrough rig addresses" in words[0]
            continue
        # With --help at the end only words that the program knows pass, and nothing runs.
        assert f"Usage: python -m ridethrough {words[0]}" in ridethrough(*words, "--help")


def test_the_newest_kubernetes_is_the_newest_whose_schemas_are_locked() -> None:
    """Who takes a newer validator is told to look at the table."""
    assert kubernetes_validate.latest_version().startswith(f"{next(reversed(KUBERNETES))}.")


@pytest.mark.parametrize("version", [next(iter(KUBERNETES)), next(reversed(KUBERNETES))])
@pytest.mark.parametrize("path", MANIFESTS, ids=relative)
def test_a_manifest_is_one_that_the_oldest_and_the_newest_kubernetes_take(path: Path, version: str) -> None:
    for document in YAML(typ="safe", pure=True).load_all(path):
        assert kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=relative)
def test_a_manifest_is_ours_and_gives_few_rights(path: Path, tmp_path: Path) -> None:
    images: set[str] = set()
    for document in YAML(typ="safe", pure=True).load_all(path):
        for name, text in (document.get("data") or {}).items():
            (tmp_path / name).write_text(text)
            assert "a valid" in ridethrough("check", tmp_path / name)
        pod: dict[str, Any] = document.get("spec", {}).get("template", {}).get("spec", {})
        for container in pod.get("containers", ()):
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["automountServiceAccountToken"] is False
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            images.add(container["image"])
            if words := container.get("args"):
                assert f"Usage: python -m ridethrough {words[0]}" in ridethrough(*words, "--help")
    assert images <= {
        f"{name}:{__version__}" for name in ("ridethrough", "ridethrough-gateway", "ridethrough-emulators")
    }


def test_a_device_of_a_pod_answers_at_the_address_of_the_pod(tmp_path: Path) -> None:
    documents = YAML(typ="safe", pure=True).load_all(ROOT / "rigs/deploy/kubernetes.yaml")
    rigs = next(document["data"] for document in documents if document["kind"] == "ConfigMap")
    asked = {
        "ups.yaml": (
            "UPS1",
            "snmp",
            ["snmpget", "-v1", "-c", "public", "-Oqv"],
            ["1.3.6.1.4.1.318.1.1.1.4.1.1.0"],
            "2",
        ),
        "bmc.yaml": ("server1.bmc", "ipmi", ["ipmitool", "-I", "lanplus", *LOGIN], ["power", "status"], "Power is on"),
    }
    assert set(asked) == set(rigs)
    for name, (device, face, program, question, expected) in asked.items():
        (tmp_path / name).write_text(rigs[name])
        words = ["emulators", str(tmp_path / name), "--ports", "free", "--http", f"127.0.0.1:{free_port()}", "--json"]
        process, text = start([sys.executable, "-m", "ridethrough", *words], "running")
        try:
            place = json.loads(text.splitlines()[-1])["running"]["devices"][device][face]
            address, _, port = place.partition(":")
            assert address == "0.0.0.0"
            to = [f"127.0.0.1:{port}"] if face == "snmp" else ["-H", "127.0.0.1", "-p", port]
            assert expected in tool(*program, *to, *question)
        finally:
            stop(process)


def test_the_base_of_the_images_is_named_by_its_digest() -> None:
    """A tag is what its maker makes of it next; every stage stands on the one base."""
    base = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base
    assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", base[1])
    foreign = set(re.findall(r"^FROM (?:--\S+ )*(\S+)", DOCKERFILE, re.MULTILINE)) - {"base"}
    assert foreign == {"${BASE}"}


def test_the_unit_of_the_emulators_is_as_strict_as_that_of_the_gateway() -> None:
    units = []
    for file in ("rigs/deploy/ridethrough-emulators.service", "gateway/deploy/ridethrough-gateway.service"):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read_string((ROOT / file).read_text())
        units.append(
            {key: value for key, value in unit["Service"].items() if not key.startswith(("Exec", "State", "Time"))}
        )
        words = unit["Service"]["ExecStart"].split()[2:]
        assert re.search(f"{words[1]}: (N|there is n)o such file", ridethrough(*words))
        former = words[words.index("--data") + 1].replace("ridethrough", "standin")
        assert unit["Unit"]["AssertPathExists"].startswith(f"!{former}/")  # where its own user may not look
    assert units[0] == units[1]


def test_the_layout_names_what_is_there() -> None:
    script = (ROOT / "rigs/deploy/install").read_text()
    for named in re.findall(r"\$source/([\w./-]+\.\w+)", script):
        assert (ROOT / named).exists(), named
    assert "rigs/deploy/install /out" in DOCKERFILE


def test_completion_as_it_is_installed() -> None:
    asked = {"COMP_WORDS": "ridethrough re", "COMP_CWORD": "1", "_RIDETHROUGH_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [Path(sys.executable).parent / "ridethrough"],
        env=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["replay", "record"]
