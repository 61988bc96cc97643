"""Keeps the package with its compiled modules in a folder, for `make run` and `make test`.

usage: python rigs/deploy/compiled.py FOLDER

Run by the Python of an environment that has what `requirements-build.lock` and `requirements.lock` name. Modules are
compiled anew when one of them, or anything that they may import, this Python or the build has changed; a file that was
only touched has not. Changes of other files, such as rigs, profiles and pages, are copied. Where there is no compiler,
or compiling fails, a line says so, no folder is left, and the status is 0: interpreted code does the same, more slowly.
What failed is not tried again as long as nothing has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ridethrough"
PARTS = ("mibs", "wire", "emulators", "gateway", "rigs")
IMPORTED = ("mibs", "wire", "emulators", "gateway")
"""Parts with compiled modules, and what they import: nothing of rigs, as the direction of imports has it."""
BUILD = ("hatch_build.py", "pyproject.toml", "requirements-build.lock", "requirements.lock")
KEYS = ".made-of"
EVERY_S = 5.0


def files_of(part: str) -> list[Path]:
    """The files of a part, without what Python leaves there."""
    return sorted(path for path in (ROOT / part).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def key_of(files: Iterable[Path]) -> str:
    """A hash of these files and of what this Python can load."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sysconfig.get_platform()}".encode())
    for file in files:
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def keys_of_sources() -> tuple[str, str]:
    """A hash of what is compiled and what that depends on, and one of all that the folder has."""
    build = [ROOT / name for name in BUILD]
    modules = [file for part in IMPORTED for file in files_of(part) if file.suffix == ".py"]
    return key_of(build + modules), key_of(build + [file for part in (PACKAGE, *PARTS) for file in files_of(part)])


def copy_into(folder: Path) -> None:
    """Bring what is not compiled in `folder` up to date."""
    package = folder / "ridethrough"
    sources = {package / file.relative_to(ROOT): file for part in PARTS for file in files_of(part)}
    sources |= {folder / file.relative_to(ROOT): file for file in files_of(PACKAGE)}
    for place in [path for path in package.rglob("*") if path.is_file() and path.suffix != ".so"]:
        if place not in sources:
            place.unlink()
    for place, source in sources.items():
        if not place.exists() or place.read_bytes() != source.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)


def lacks() -> str | None:
    """Return what is missing to compile, or None."""
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
    keys = keys_of_sources()
    kept = folder / KEYS
    before = kept.read_text(encoding="utf-8").split() if kept.exists() else []
    if before == [*keys]:
        return
    if before[:1] == [keys[0]]:
        kept.unlink()  # a copy that is cut off is not taken for a whole one
        copy_into(folder)
        kept.write_text(" ".join(keys), encoding="utf-8")
        return
    shutil.rmtree(folder, ignore_errors=True)
    missing = lacks()
    if missing is not None:
        print(f"not compiled, for want of {missing} (gcc libc6-dev python3-dev)")
        return
    log, failed = folder.with_name(f"{folder.name}.log"), folder.with_name(f"{folder.name}.failed")
    if failed.exists() and failed.read_text(encoding="utf-8") == keys[0]:
        print(f"compiling failed before ({log} says why; without {failed} it is tried again)")
        return
    print("compiling (once, a minute or two) ...", flush=True)
    if compile_into(folder, log) != 0:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"compiling failed ({log} says why)")
        failed.write_text(keys[0], encoding="utf-8")
        return
    kept.write_text(" ".join(keys), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute())
    except KeyboardInterrupt:
        sys.exit(130)
