"""The script that makes the environment of a checkout: interrupted, repeated, moved, twice at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.isolation import as_ordinary_user

SCRIPT = Path(__file__).parents[2] / "rigs" / "deploy" / "environment"
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "pyproject.toml")
# Stands in for every Python: an environment's scripts name the place where it was made, as pip's do.
PYTHON = """#!/bin/sh
case "$1 $2" in
"-c import sys"*) exit ${OLD:-0} ;;
"--version "*) echo "Python 3.9.1"; exit 0 ;;
"-c import ensurepip"*) exit 0 ;;
"-m venv") mkdir -p "$3/bin" "$3/lib"; cp "$0" "$3/bin/python"; [ "${FAIL:-}" != venv ] || exit 1; cp "$0" "$3/bin/pip" ;;
"-m pip")
    case "$7" in *.lock) name=${7%.lock} ;; *) name=own ;; esac
    [ "${FAIL:-}" != "$name" ] || exit 1
    mkdir .busy || exit 1 # never two at once
    sleep 0.02
    pwd >"$(dirname "$0")/scripts-$name"
    rmdir .busy ;;
esac
"""
STEPS = st.sampled_from(
    ["run", "dev", "move", "touch", "fail venv", "fail requirements", "fail requirements-dev", "twice", "forget"]
)


def checkout(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in LOCKS:
        (folder / name).write_text("")
        os.utime(folder / name, (1, 1))
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    return folder


def make(folder: Path, what: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHON": str(folder / "python"), **more}
    return subprocess.Popen(
        [SCRIPT, what], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def make_whole(folder: Path, what: str) -> None:
    done = make(folder, what)
    said = done.communicate(timeout=20)
    assert done.returncode == 0, said
    made(folder, what)


def made(folder: Path, what: str) -> None:
    """What is there is of this place, and newer than what it was made of."""
    venv = folder / ".venv"
    assert (venv / ".place").read_text().strip() == str(folder)
    names = ["requirements", "own"] + ["requirements-dev"] * (what == "dev")
    for name in names:
        assert (venv / "bin" / f"scripts-{name}").read_text().strip() == str(folder), name
    assert (venv / ".run").stat().st_mtime >= max(
        (folder / name).stat().st_mtime for name in LOCKS if "dev" not in name
    )
    if what == "dev":
        assert (venv / ".dev").stat().st_mtime >= (folder / LOCKS[2]).stat().st_mtime


@settings(deadline=None, max_examples=25)
@given(st.lists(STEPS, max_size=6))
def test_whatever_happened_it_is_made_in_the_end(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = checkout(Path(name).resolve() / "a checkout")
        for number, step in enumerate(steps):
            if step == "move":
                folder = folder.rename(folder.with_name(f"moved {number}"))
            elif step == "touch":
                (folder / "requirements.lock").touch()
            elif step == "forget":
                shutil.rmtree(folder / ".venv" / "bin", ignore_errors=True)
            elif step == "twice":
                both = [make(folder, "dev"), make(folder, "run")]
                said = [one.communicate(timeout=20) for one in both]
                assert [one.returncode for one in both] == [0, 0], said
                made(folder, "dev")
            elif step.startswith("fail"):
                make(folder, "dev", FAIL=step.removeprefix("fail ")).communicate(timeout=20)
            else:
                make_whole(folder, step)
        make_whole(folder, "dev")


@pytest.mark.parametrize("what", ["check", "run", "dev"])
@pytest.mark.parametrize("there", [True, False])
def test_a_python_that_is_too_old_or_not_there_is_named(what: str, there: bool, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    if not there:
        (folder / "python").unlink()
    said = make(folder, what, OLD="1").communicate(timeout=20)
    kind = "Python 3.9.1" if there else "not there"
    assert said == ("", f"Ridethrough needs Python 3.11 or newer; PYTHON={folder}/python is {kind}\n")
    assert not (folder / ".venv").exists()


def test_a_folder_that_may_not_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = checkout(Path(name).resolve() / "checkout")
        script = shutil.copy(SCRIPT, Path(name) / "environment")  # which anyone may read
        Path(name).chmod(0o755)
        folder.chmod(0o555)
        words = as_ordinary_user()
        if not words and os.geteuid() == 0:
            words = ["setpriv", "--reuid=65534", "--clear-groups"]
        done = subprocess.run(
            [*words, script, "run"],
            cwd=folder,
            env={**os.environ, "PYTHON": str(folder / "python")},
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (2, f"{folder} may not be written, and the environment is made in it\n")
