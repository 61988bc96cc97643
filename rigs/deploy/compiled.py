"""Keeps the package with its compiled modules in a folder, for `make run` and `make test`.

usage: python rigs/deploy/compiled.py FOLDER

Run by the Python of an environment that has what `requirements-build.lock` and `requirements.lock` name. The folder is
made anew when a file of the package, this Python or the build has changed since it was made; a file that was only
touched has not. Where there is no compiler, or compiling fails, a line says so, no folder is left, and the status is 0:
interpreted code does the same, more slowly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("ridethrough", "mibs", "wire", "emulators", "gateway", "rigs")
BUILD = ("hatch_build.py", "pyproject.toml", "requirements-build.lock", "requirements.lock")
KEY = ".made-of"
EVERY_S = 5.0


def key_of_sources() -> str:
    """A hash of all that the folder's content depends on."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sysconfig.get_platform()} {sys.prefix}".encode())
    files = [ROOT / name for name in BUILD]
    for part in PARTS:
        files += sorted(path for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc")
    for file in files:
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def lacks() -> str | None:
    """What is missing to compile, or None."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        return "a C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers"
    return None


def compile_into(folder: Path, log: Path) -> int:
    """Install the compiled wheel into `folder`; the status of pip, whose words are in `log`. Says how it goes."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    command += ["--target", str(folder), str(ROOT)]
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "RIDETHROUGH_COMPILE": "1"}
        )
        while True:
            try:
                status = process.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                if sys.stdout.isatty():
                    print(f"\rcompiling ... {time.monotonic() - begun:.0f} s", end="", flush=True)
            else:
                break
    end = "\n" if sys.stdout.isatty() else ""
    print(f"{end}compiled in {time.monotonic() - begun:.0f} s" if status == 0 else end, end="\n" if status == 0 else "")
    return status


def main(folder: Path) -> None:
    """Make the folder what it should be, or remove it."""
    key = key_of_sources()
    kept = folder / KEY
    if kept.exists() and kept.read_text(encoding="utf-8") == key:
        return
    shutil.rmtree(folder, ignore_errors=True)
    missing = lacks()
    if missing is not None:
        print(f"not compiled, for want of {missing} (gcc libc6-dev python3-dev): runs interpreted, more slowly")
        return
    print("compiling (once, a minute or two) ...", flush=True)
    log = folder.with_name(f"{folder.name}.log")
    if compile_into(folder, log) != 0:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"compiling failed ({log} says why): runs interpreted, more slowly")
        return
    kept.write_text(key, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
