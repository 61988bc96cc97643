"""Remains of an installation under the former name, Standin: variables, folders, packages and services."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

READ = ("URL", "TOKEN", "LOG")  # by the program; the rest by the build
VARIABLES = (*READ, "COMPILE")
UNITS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
OURS = "rigs.cli"  # in the command of that name, from which a stranger's of the same name is told
MAKER = "makers of Standin"  # of the Debian package, likewise
KEPT = ("standin.sqlite", "devices")  # what a gateway and devices keep in a data folder
COMMAND_TIMEOUT_S = 10


class FormerError(ValueError):
    """Something is set or lies there that would be passed over. One line that says what to do."""


class Left(NamedTuple):
    """One thing, what it is, and what to do about it."""

    what: str
    detail: str
    advice: str


def variable(name: str) -> str | None:
    """`RIDETHROUGH_<name>` of the environment. Raises FormerError where only the former name is set."""
    if (value := os.environ.get(f"RIDETHROUGH_{name}")) is not None:
        return value
    if os.environ.get(f"STANDIN_{name}"):
        raise FormerError(f"STANDIN_{name} is set, which is not read any more; its name is RIDETHROUGH_{name}")
    return None


def look_beside(data: Path | None) -> None:
    """Refuse an empty data folder beside one of the former name that has data. Raises FormerError."""
    if data is None:
        return
    data = data.resolve() if data.name in ("", "..") else data.absolute()  # `.` is a folder of some name, too
    if "ridethrough" not in data.name:
        return
    former = data.with_name(data.name.replace("ridethrough", "standin"))
    if _keeps(former) and not _keeps(data, "ridethrough.sqlite", *KEPT):
        raise FormerError(
            f"{data} holds nothing yet, and {former}, of the product's former name, does: "
            "move what is in there here to go on with it, or move it elsewhere to begin anew"
        )


def _keeps(folder: Path, *names: str) -> bool:
    try:
        return any((folder / name).exists() for name in names or KEPT)
    except OSError:  # a folder that may not be looked into cannot be meant
        return False


def left(root: Path, environment: Mapping[str, str]) -> Iterator[Left]:
    """All that is found below `root` and in the environment."""
    for name in VARIABLES:
        if f"STANDIN_{name}" in environment:
            yield Left(f"STANDIN_{name}", "is set, and not read any more", f"set RIDETHROUGH_{name} in its place")
    if MAKER in _debian(root):
        yield Left("package standin", "is installed", "apt remove standin (not purge, which takes its settings away)")
    for place in UNITS:
        for unit in sorted((root / place).glob("standin-*.service")):
            if unit.stem in ("standin-gateway", "standin-emulators"):
                advice = f"systemctl disable --now {unit.stem}, then take it away"
                yield Left(str(unit), f"a service; ridethrough{unit.stem.removeprefix('standin')} is its place", advice)
    for file in ("site.yaml", "rig.yaml"):
        if (path := root / "etc/standin" / file).exists():
            yield Left(str(path), "is not read any more", f"move it to {root / 'etc/ridethrough' / file}")
    for folder in ("standin", "standin-emulators"):
        if _keeps(path := root / "var/lib" / folder):
            to = path.with_name(folder.replace("standin", "ridethrough"))
            yield Left(str(path), "holds a journal or settings of devices", _moving(path, to))
    if (path := root / "usr/lib/standin/rigs").is_dir():
        yield Left(str(path.parent), "the modules of the former version", "remove the package standin, or the folder")
    yield from _commands(environment)
    if _distribution_is_ours():
        advice = "pip uninstall standin, then pip install --force-reinstall ridethrough"
        yield Left("distribution standin", "is installed beside this one", advice)


def _moving(path: Path, to: Path) -> str:
    """Return the command that moves a folder; systemd may have made it a link to a private one."""
    if path.is_symlink():
        real = path.resolve()
        return f"move {real} to {real.with_name(to.name)} before the new service starts, and take the link {path} away"
    return f"move it to {to} before the new service starts"


def _debian(root: Path) -> str:
    """Return the maintainer of the installed Debian package of that name; empty where there is none."""
    words = [
        "dpkg-query",
        f"--admindir={root / 'var/lib/dpkg'}",
        "-W",
        "-f",
        "${db:Status-Abbrev}${Maintainer}",
        "standin",
    ]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)  # noqa: S603  # words of ours
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 and done.stdout.startswith("ii") else ""


def _commands(environment: Mapping[str, str]) -> Iterator[Left]:
    for folder in dict.fromkeys(environment.get("PATH", "").split(os.pathsep)):
        path = Path(folder) / "standin"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if OURS in text:
            yield Left(str(path), "the command of the former version", "remove it with what it belongs to")


def _distribution_is_ours() -> bool:
    try:
        found = distribution("standin")
    except PackageNotFoundError:
        return False
    return any(point.value.startswith(OURS) for point in found.entry_points)
