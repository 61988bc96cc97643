"""The foreign clients that the tests drive: from which Debian package each comes, how it is got, where it is.

As a program, with nothing but the system's Python: install or unpack what is missing. Packages that other programs
depend on are installed, as root; of the others only the files are wanted, and those are unpacked by anyone below
`.venv/clients`. Without root, what only root can install is named at once, as the line that installs it (status 2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

VENV = Path(__file__).parents[2] / ".venv"
CLIENTS = VENV / "clients"
# A user's path has neither in Debian, but snmptrapd and FreeIPMI are there.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
APT = ("apt-get", "-qq")
INSTALL = ("install", "-y", "--no-install-recommends")


@dataclass(frozen=True)
class Package:
    """A Debian package, and the files in it that tests ask for: names, or ends of paths where a name is not enough."""

    name: str
    tools: tuple[str, ...] = ()
    unpacked: bool = False


def _unpacked(name: str, *tools: str) -> Package:
    return Package(name, tools, unpacked=True)


COMMON = (
    Package("snmp", ("snmpget", "snmptrap")),
    Package("snmptrapd", ("snmptrapd",)),
    Package("ipmitool", ("ipmitool",)),
    Package("freeipmi-tools", ("ipmi-chassis",)),
    Package("nut-client", ("upsc",)),
    Package("nut-server", ("nut/upsd",)),
    Package("nut-snmp", ("nut/snmp-ups",)),
    Package("chromium", ("chromium",)),
    Package("libatomic1"),  # the driver inside Playwright's wheel links to it
    Package("libusb-0.1-4"),  # apcupsd does
    Package("python3-pexpect"),  # the fence agents are programs of the system's Python
    Package("python3-pycurl"),
    Package("gcc", ("cc",)),
    Package("iproute2", ("ip",)),
    # Unpacked, since apcupsd and NUT exclude each other, daemons would start as services, and of the others one program
    # is wanted, not what they depend on.
    _unpacked("apcupsd", "apcupsd", "apcaccess"),
    _unpacked("inetutils-telnet", "inetutils-telnet"),
    _unpacked("libestr0", "libestr.so.0"),
    _unpacked("libfaketime", "libfaketime.so.1"),
    _unpacked("libfastjson4", "libfastjson.so.4"),
    _unpacked("liblognorm5", "liblognorm.so.5"),
    _unpacked("monitoring-plugins-standard", "check_snmp"),
    _unpacked("nats-server", "nats-server"),
    _unpacked("prometheus-ipmi-exporter", "prometheus-ipmi-exporter"),
    _unpacked("prometheus-snmp-exporter", "prometheus-snmp-exporter"),
    _unpacked("rsyslog", "rsyslogd", "imudp.so"),
    _unpacked("wakeonlan", "wakeonlan"),
)
# What another release has in another package. Compose became a program in Go, which has its schema inside.
RELEASES = {
    "bookworm": (
        _unpacked("docker-compose", "compose_spec.json"),
        _unpacked("fence-agents", "fence_apc_snmp", "fence_ipmilan", "fencing.py"),
    ),
}
NEWEST = (
    _unpacked("docker-compose", "docker-compose"),
    _unpacked("fence-agents-apc-snmp", "fence_apc_snmp"),
    _unpacked("fence-agents-common", "fencing.py"),
    _unpacked("fence-agents-ipmilan", "fence_ipmilan"),
)


def release(path: Path = Path("/etc/os-release")) -> str:
    """The code name of the distribution's release; empty where it has none."""
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value.strip('"') for name, _, value in lines}.get("VERSION_CODENAME", "")


def packages() -> tuple[Package, ...]:
    """All of them, for this release."""
    return (*COMMON, *RELEASES.get(release(), NEWEST))


def find(tool: str) -> Path:
    """Where a program or file of the table is. Raises LookupError when it is not there, or not in the table."""
    place = locate(tool)
    if place is None:
        raise LookupError(f"there is no {tool}: `make test` gets it")
    return place


def offered(tool: str) -> bool:
    """Whether a package of this release has it."""
    return any(tool in package.tools for package in packages())


@cache
def locate(tool: str) -> Path | None:
    """Where it is, if it is."""
    for package in packages():
        if tool in package.tools:
            in_path = None if package.unpacked or "/" in tool else shutil.which(tool, path=PATH)
            return Path(in_path) if in_path else _best(path for path in _files(package) if path.match(tool))
    raise LookupError(f"no package of {Path(__file__).name} has {tool}")


def _files(package: Package) -> Iterator[Path]:
    """The files of a package as it was installed or unpacked."""
    if package.unpacked:
        return (CLIENTS / package.name).rglob("*")
    words = ["dpkg-query", "--listfiles", package.name]
    return map(Path, subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines())


def _best(paths: Iterator[Path]) -> Path | None:
    """The program among files of one name, where there is one; scripts and settings below `etc` are none."""
    files = [path for path in paths if path.is_file() and not {"etc", "lintian"} & set(path.parts[:-1])]
    return max(files, key=lambda path: os.access(path, os.X_OK), default=None)


def missing() -> tuple[list[str], list[str]]:
    """Names of packages to be installed, and of those to be unpacked."""
    words = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    there = {line.removesuffix(" installed") for line in shown if line.endswith(" installed")}
    wanted = [
        package
        for package in packages()
        if not (all(map(locate, package.tools)) if package.tools else package.name in there)
    ]
    install = [package.name for package in wanted if not package.unpacked]
    # For the Python that makes the environment, which need not be the system's.
    if find_spec("ensurepip") is None:
        install.append("python3-venv")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        install.append("python3-dev")
    if "gcc" in install:
        install.append("libc6-dev")
    return install, [package.name for package in wanted if package.unpacked]


def _say(what: str, names: list[str]) -> None:
    sys.stdout.write(f"{what} {' '.join(names)}\n")
    sys.stdout.flush()


def _fail(text: str) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    sys.exit(2)


def _call(*words: str, folder: Path | None = None) -> None:
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        _fail(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")


def _unpack(names: list[str]) -> None:
    """Download by apt, with state of its own, which needs no rights, and unpack each into a folder of its name."""
    state = VENV / "apt"
    CLIENTS.mkdir(parents=True, exist_ok=True)
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    own = {
        "Dir::State": state,
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": state,
        # As root apt would download as a user who may not write here.
        "APT::Sandbox::User": "root",
    }
    apt = (*APT, *(word for name, value in own.items() for word in ("-o", f"{name}={value}")))
    _call(*apt, "update")
    with tempfile.TemporaryDirectory(dir=state) as folder:
        _call(*apt, "download", *names, folder=Path(folder))
        for file in Path(folder).glob("*.deb"):
            name = file.name.partition("_")[0]
            _call("dpkg-deb", "--extract", str(file), f"{folder}/{name}")
            shutil.rmtree(CLIENTS / name, ignore_errors=True)
            (Path(folder) / name).rename(CLIENTS / name)
    shutil.rmtree(state)


NO_NAMESPACES = (
    "user namespaces are forbidden here, so the tests run one after another, and those that bind ports below 1024 or mount "
    "a disk fail: allow user namespaces, or run `make test` as root"
)


def _may_isolate() -> bool:
    words = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--net", "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def main() -> None:
    install, unpack = missing()
    if install and os.geteuid() != 0:
        line = " ".join(("apt-get", *INSTALL, *install))
        _fail(f"The tests need packages that root installs:\n    apt-get update && {line}")
    if not _may_isolate():
        sys.stderr.write(f"{NO_NAMESPACES}\n")
    if install:
        _say("installing", install)
        _call(*APT, "update")
        _call(*APT, *INSTALL, *install)
    if unpack:
        _say("unpacking", unpack)
        _unpack(unpack)
    locate.cache_clear()
    for package in packages():
        for tool in package.tools:
            if locate(tool) is None:
                _fail(f"{package.name} of {release() or 'this distribution'} has no {tool}: see {Path(__file__).name}")


if __name__ == "__main__":
    main()
