"""The wheel in an environment of its own, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "RIDETHROUGH"))}


def call(*words: str | Path, cwd: Path, status: int = 0) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=200, env=CLEAN, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.network
@pytest.mark.timeout(400)
def test_the_wheel_runs_where_there_is_no_checkout(tmp_path: Path) -> None:
    dist, home = tmp_path / "dist", tmp_path / "home"
    home.mkdir()
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", dist, ROOT, cwd=home)
    (wheel,) = dist.glob("ridethrough-*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python, ridethrough = tmp_path / "env" / "bin" / "python", tmp_path / "env" / "bin" / "ridethrough"
    call(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements.lock", cwd=home)
    call(python, "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=home)

    place = call(python, "-c", "import ridethrough; print(ridethrough.__file__)", cwd=home).strip()
    assert str(ROOT) not in place
    assert "a1080a-pair" in call(ridethrough, "rig", "list", cwd=home)
    call(ridethrough, "rig", "copy", "003-a", "rack.yaml", cwd=home)
    assert "a valid rig file" in call(ridethrough, "check", "rack.yaml", cwd=home)
    assert "ok   C1" in call(ridethrough, "replay", "C1", "--ports", "free", cwd=home)
    assert "a valid rig file" in call(ridethrough, "check", "a1080a-pair", cwd=home)
    call(ridethrough, "init", "mine", cwd=home)
    assert {path.name for path in (home / "mine").iterdir()} == {
        "controller.py",
        "pytest.ini",
        "rig.yaml",
        "test_controller.py",
    }
    files = call(python, "-m", "zipfile", "-l", wheel, cwd=home)
    assert "ridethrough/rigs/console/vendor/uPlot.LICENSE" in files
    assert "ridethrough/gateway/deploy/ridethrough-gateway.service" in files
    assert "tests/" not in files


def test_the_source_distribution_builds_the_same_package(tmp_path: Path) -> None:
    code = (
        "from hatchling.builders.sdist import SdistBuilder; import sys;"
        " print(next(SdistBuilder(sys.argv[1]).build(directory=sys.argv[2])))"
    )
    archive = Path(call(sys.executable, "-c", code, ROOT, tmp_path, cwd=tmp_path).strip().splitlines()[-1])
    with tarfile.open(archive) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    for name in (
        "pyproject.toml",
        "README.md",
        "rigs/console/app.js",
        "rigs/scenarios/C1.yaml",
        "Makefile",
        "tests/conftest.py",
    ):
        assert name in inside
    call(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        archive,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("*.whl")
    files = call(sys.executable, "-m", "zipfile", "-l", wheel, cwd=tmp_path)
    for name in (
        "rigs/console/app.js",
        "rigs/scenarios/C1.yaml",
        "gateway/deploy/site.yaml",
        "rigs/deploy/lab/rig.yaml",
    ):
        assert name in files
