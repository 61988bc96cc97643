"""What is installed, in environments of its own, away from the checkout and with the build isolated, as a user's pip does it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ridethrough import __version__
from ridethrough.rigs.rigfile.ports import free_port

ROOT = Path(__file__).parents[2]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "RIDETHROUGH"))}
COMPILING = {"RIDETHROUGH_COMPILE": "1", "MYPYC_OPT_LEVEL": "0"}
LIMIT_S = 600
BUILT = ("wheel", "sdist", "compiled", "checkout")


def call(*words: str | Path, cwd: Path, status: int = 0, more: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**CLEAN, **(more or {})},
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def source_distribution(folder: Path) -> Path:
    code = (
        "from hatchling.builders.sdist import SdistBuilder; import sys;"
        " print(next(SdistBuilder(sys.argv[1]).build(directory=sys.argv[2])))"
    )
    return Path(call(sys.executable, "-c", code, ROOT, folder, cwd=folder).strip().splitlines()[-1])


def wheel(folder: Path, source: Path, more: dict[str, str] | None = None) -> Path:
    folder.mkdir()
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, cwd=folder, more=more)
    (made,) = folder.glob("ridethrough-*.whl")
    return made


MAKERS: dict[str, Callable[[Path], str]] = {
    "wheel": lambda folder: str(wheel(folder / "wheel", ROOT)),
    "sdist": lambda folder: str(source_distribution(folder)),
    # From a source distribution, which has no links: the harder way to compile. How fast the code is does not matter here.
    "compiled": lambda folder: str(wheel(folder / "wheel", source_distribution(folder), COMPILING)),
    "checkout": lambda _: str(ROOT),
}


@contextmanager
def rig_running(command: Path, home: Path) -> Iterator[str]:
    """`ridethrough run` in a folder of its own, and where its HTTP interface answers."""
    place = f"127.0.0.1:{free_port()}"
    words = [str(command), "run", "a1080a-pair", "--ports", "free", "--http", place]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(words, cwd=home, env=CLEAN, stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://{place}"
        finally:
            process.terminate()
            assert process.wait(30) == 0, (home / "log").read_text()


def answer(url: str) -> bytes:
    """The first answer of a program that starts. Raises TimeoutError after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as got:
                return bytes(got.read())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)  # between two attempts, not for a result
    raise TimeoutError(url)


@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.parametrize("form", BUILT)
def test_what_is_installed_runs_where_there_is_no_checkout(form: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    venv.create(tmp_path / "env", with_pip=True)
    python, ridethrough = tmp_path / "env" / "bin" / "python", tmp_path / "env" / "bin" / "ridethrough"
    place = MAKERS[form](tmp_path)
    call(python, "-m", "pip", "install", "-q", f"ridethrough[test] @ file://{place}", cwd=home)

    listed = call(python, "-c", TOP_LEVEL, cwd=home).split()
    assert listed == ["ridethrough"]
    where = call(python, "-c", "import ridethrough.wire.ber as it; print(it.__file__)", cwd=home).strip()
    assert str(ROOT) not in where
    assert where.endswith(".so" if form == "compiled" else ".py")
    with rig_running(ridethrough, home) as url:
        assert b'"devices"' in answer(f"{url}/v1/devices")
    assert ("runs interpreted" in (home / "log").read_text()) == (form != "compiled")
    assert "a1080a-pair" in call(ridethrough, "rig", "list", cwd=home)
    call(ridethrough, "rig", "copy", "003-a", "rack.yaml", cwd=home)
    assert "a valid rig file" in call(ridethrough, "check", "rack.yaml", cwd=home)
    assert "ok   C1" in call(ridethrough, "replay", "C1", "--ports", "free", cwd=home)
    call(ridethrough, "init", "mine", cwd=home)
    assert " passed" in call(python, "-m", "pytest", "-q", cwd=home / "mine")


TOP_LEVEL = """
from importlib.metadata import files
names = {str(path).split("/")[0].split(".")[0] for path in files("ridethrough") if ".." not in str(path)}
print(*sorted(name for name in names if not name.startswith("ridethrough-")))
"""


def test_the_source_distribution_holds_what_the_checkout_holds(tmp_path: Path) -> None:
    with tarfile.open(source_distribution(tmp_path)) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    listed = call("git", "ls-files", cwd=ROOT).splitlines() if (ROOT / ".git").exists() else []
    for name in listed:
        if not name.startswith((".ci/", ".dockerignore")) and not (ROOT / name).is_symlink():
            assert name in inside
    assert not [name for name in inside if name.startswith("ridethrough/") and name.count("/") > 1]


def test_an_editable_install_of_the_source_distribution_imports_what_lies_beside(tmp_path: Path) -> None:
    with tarfile.open(source_distribution(tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = (path for path in tmp_path.iterdir() if path.is_dir())
    venv.create(tmp_path / "venv", with_pip=True, system_site_packages=False)
    python = tmp_path / "venv/bin/python"
    call(python, "-m", "pip", "install", "-q", "--no-deps", "-e", tree, cwd=tmp_path)
    code = "from ridethrough.wire import ber; from pathlib import Path; print(Path(ber.__file__).resolve())"
    assert call(python, "-c", code, cwd=tmp_path).strip() == str(tree / "wire/ber.py")


def test_a_wheel_of_the_source_distribution_is_that_of_the_checkout(tmp_path: Path) -> None:
    names: list[list[str]] = []
    for source in (ROOT, source_distribution(tmp_path)):
        folder = tmp_path / f"wheel{len(names)}"
        words = ("pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source)
        call(sys.executable, "-m", *words, cwd=tmp_path)
        (made,) = folder.glob("*.whl")
        with zipfile.ZipFile(made) as packed:
            names.append(sorted(packed.namelist()))
    assert names[0] == names[1]
    assert {name.partition("/")[0] for name in names[0]} == {"ridethrough", f"ridethrough-{__version__}.dist-info"}
    for name in ("rigs/console/vendor/uPlot.LICENSE", "rigs/scenarios/C1.yaml", "gateway/deploy/site.yaml", "py.typed"):
        assert f"ridethrough/{name}" in names[0]
