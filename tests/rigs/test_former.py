"""What an installation of the former name left is told of, and a stranger's things of that name are not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ridethrough.rigs.former_name import FormerError, left, look_beside
from tests.support.live import tool

ROOT = Path(__file__).parents[2]
# Verbs that read none of the variables refuse them, too: whoever set one expects it to count.
OTHER_VERBS = [["check", "c1"], ["replay", "C1"], ["tree", "c1"], ["schema", "rig"]]
CLIENT_VERBS = [
    ["devices"],
    ["events"],
    ["inject", "city", "off"],
    ["status", "c1"],
    ["top", "--once"],
    ["destinations"],
]


def ridethrough(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ridethrough", *words]
    variables = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=variables, cwd=ROOT)


@pytest.mark.parametrize("name", ["URL", "TOKEN", "LOG"])
@pytest.mark.parametrize("words", CLIENT_VERBS + OTHER_VERBS, ids=" ".join)
def test_a_verb_does_not_go_elsewhere_than_a_variable_says(name: str, words: list[str]) -> None:
    done = ridethrough(*words, **{f"STANDIN_{name}": "http://127.0.0.1:9"})
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line == f"ridethrough: STANDIN_{name} is set, which is not read any more; its name is RIDETHROUGH_{name}"
    both = {f"{product}_{name}": "http://127.0.0.1:9" for product in ("STANDIN", "RIDETHROUGH")}
    assert "STANDIN" not in ridethrough(*words, **both).stderr  # somebody else's


@pytest.mark.parametrize("words", [["run", "c1"], ["emulators", "c1"], ["gateway", "gateway/deploy/site.yaml"]])
def test_a_service_does_not_log_otherwise_than_a_variable_says(words: list[str]) -> None:
    done = ridethrough(*words, "--http", "127.0.0.1:0", STANDIN_LOG="json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "STANDIN_LOG is set" in done.stderr


def test_a_wheel_is_not_built_otherwise_than_a_variable_says(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    environment = {"PATH": "/usr/bin:/bin", "STANDIN_COMPILE": "1"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode != 0
    assert "its name is RIDETHROUGH_COMPILE" in done.stderr + done.stdout


# --- data folders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ridethrough", "ridethrough-emulators"])
@pytest.mark.parametrize("kept", ["standin.sqlite", "devices/UPS1.json"])
def test_a_folder_beside_one_that_is_kept_is_not_begun_empty(name: str, kept: str, tmp_path: Path) -> None:
    data, former = tmp_path / name, tmp_path / name.replace("ridethrough", "standin")
    look_beside(data)
    (former / kept).parent.mkdir(parents=True)
    (former / kept).write_text("")
    with pytest.raises(FormerError, match=f"^{data} holds nothing yet, and {former}, [^\\n]*$"):
        look_beside(data)
    look_beside(tmp_path / "other")
    look_beside(None)
    former.rename(data)
    look_beside(data)


@pytest.mark.parametrize("written", [".", "../ridethrough", "./", "{}", "{}/", "{}/../ridethrough", "sub/.."])
def test_however_a_folder_is_written(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "standin" / "devices").mkdir(parents=True)
    (tmp_path / "ridethrough").mkdir()
    monkeypatch.chdir(tmp_path / "ridethrough")
    with pytest.raises(FormerError, match="holds nothing yet"):
        look_beside(Path(written.format(tmp_path / "ridethrough")))


def test_an_import_looks_beside(tmp_path: Path) -> None:
    (tmp_path / "standin" / "devices").mkdir(parents=True)
    (tmp_path / "x.jsonl").write_text("")
    done = ridethrough("journal", "import", str(tmp_path / "x.jsonl"), str(tmp_path / "ridethrough"))
    assert (done.returncode, "holds nothing yet" in done.stderr) == (2, True)
    assert not (tmp_path / "ridethrough").exists()


@pytest.mark.parametrize(
    "words", [["run", "c1"], ["emulators", "c1"], ["gateway", "gateway/deploy/site.yaml"]], ids=lambda words: words[0]
)
def test_verbs_that_keep_data_look_beside(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "standin" / "devices").mkdir(parents=True)
    done = ridethrough(*words, "--data", str(tmp_path / "ridethrough"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{tmp_path / 'standin'}, of the product's former name" in done.stderr
    assert not (tmp_path / "ridethrough").exists()


# --- doctor -----------------------------------------------------------------------------------------------------------


def package(root: Path, maintainer: str) -> None:
    """A Debian package called standin, installed below `root` by dpkg itself."""
    made = root.parent / "made"
    for folder in (made / "DEBIAN", root / "var/lib/dpkg/info", root / "var/lib/dpkg/updates"):
        folder.mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    control = f"Package: standin\nVersion: 0.1.0\nArchitecture: all\nMaintainer: {maintainer}\nDescription: x\n"
    (made / "DEBIAN/control").write_text(control)
    tool("dpkg-deb", "--build", str(made), str(root.parent / "x.deb"))
    tool("dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "-i", str(root.parent / "x.deb"))


def laid(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


LAUNCHER = 'import sys\nsys.path.insert(0, "lib")\nfrom rigs.cli import main\n'
OURS: dict[str, Callable[[Path], object]] = {
    "package standin": lambda root: package(root, "the makers of Standin <standin@localhost>"),
    "etc/systemd/system/standin-gateway.service": lambda root: laid(
        root / "etc/systemd/system/standin-gateway.service"
    ),
    "lib/systemd/system/standin-emulators.service": lambda root: laid(
        root / "lib/systemd/system/standin-emulators.service"
    ),
    "etc/standin/site.yaml": lambda root: laid(root / "etc/standin/site.yaml"),
    "var/lib/standin": lambda root: laid(root / "var/lib/standin/standin.sqlite"),
    "var/lib/standin-emulators": lambda root: laid(root / "var/lib/standin-emulators/devices/UPS1.json"),
    "usr/lib/standin": lambda root: laid(root / "usr/lib/standin/rigs/cli/__init__.py"),
    "usr/bin/standin": lambda root: laid(root / "usr/bin/standin", LAUNCHER),
}
STRANGERS: list[Callable[[Path], object]] = [
    lambda root: package(root, "Somebody Else <else@example.org>"),
    lambda root: laid(root / "etc/systemd/system/standin-proxy.service"),
    lambda root: laid(root / "etc/standin/config.toml"),
    lambda root: laid(root / "var/lib/standin/cache"),
    lambda root: laid(root / "usr/lib/standin/plugin.so"),
    lambda root: laid(root / "usr/bin/standin", "from standin.main import run\n"),
]


@pytest.mark.parametrize("what", OURS)
def test_each_thing_is_told_of(what: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    environment = {"PATH": f"/nowhere:{root / 'usr/bin'}"}
    assert list(left(root, environment)) == []
    OURS[what](root)
    (found,) = left(root, environment)
    assert found.what == (what if what.startswith("package") else str(root / what))
    assert found.advice


@pytest.mark.parametrize("number", range(len(STRANGERS)))
def test_nothing_of_a_strangers_is(number: int, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    STRANGERS[number](root)
    assert list(left(root, {"PATH": str(root / "usr/bin")})) == []


@pytest.mark.parametrize(("point", "told"), [("rigs.cli:main", True), ("standin.cli:main", False)])
def test_a_distribution_in_the_same_environment(point: str, told: bool, tmp_path: Path) -> None:
    laid(tmp_path / "standin-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: standin\nVersion: 0.1.0\n")
    laid(tmp_path / "standin-0.1.0.dist-info/entry_points.txt", f"[console_scripts]\nstandin = {point}\n")
    done = ridethrough("doctor", "--json", PYTHONPATH=str(tmp_path), STANDIN_TOKEN="x")
    found = {row["what"]: row for row in json.loads(done.stdout)}
    assert ("distribution standin" in found) is told
    assert found["STANDIN_TOKEN"]["verdict"] == "warning"
    assert "x" not in found["STANDIN_TOKEN"]["detail"].split()
    assert done.returncode == 0
