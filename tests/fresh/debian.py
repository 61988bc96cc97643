"""Minimal Debian systems by debootstrap, told of the mirrors, proxies and certificates of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "fresh"
KEYRINGS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PROGRAMS = {"debootstrap": "debootstrap", "slirp4netns": "slirp4netns", "unshare": "util-linux", "git": "git"}
# What tells pip, apt and TLS on this machine where to look; each is handed in where it exists.
SETTINGS = ("/etc/pip.conf", "/etc/xdg/pip", "/root/.config/pip", "/root/.pip", "/etc/apt/trusted.gpg.d")
AUTHORITIES = "/usr/local/share/ca-certificates"
VARIABLES = ("PIP_", "SSL_CERT_", "REQUESTS_CA_", "CURL_CA_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def call(*words: str | Path, cwd: Path | None = None) -> str:
    """Run to the end and return what it printed; what went wrong ends everything."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def programs() -> None:
    """Install what builds and holds the systems."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        call("apt-get", "update", "-qq")
        call("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)


def variables() -> dict[str, str]:
    """Of this environment, those by which pip and TLS reach what they need."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(VARIABLES)}


def sources(suite: str) -> list[tuple[str, str, str]]:
    """URI, suite and components for apt, as this machine has them for its own release."""
    release = dict(line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines())
    own = release.get("VERSION_CODENAME", "").strip('"')
    shape = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    text = call("apt-get", "indextargets", "--no-release-info", "--format", shape, "Created-By: Packages")
    rows = {(uri, name, component) for uri, name, component in map(str.split, text.splitlines()) if component == "main"}
    found = [(uri, name.replace(own, suite), part) for uri, name, part in rows if own and name.split("-")[0] == own]
    if not any(name == suite for _, name, _ in found):
        sys.exit("make fresh takes the mirror from the apt sources of a Debian machine, and there are none here")
    return sorted(found, key=lambda row: (len(row[1]), row))


def base(suite: str) -> Path:
    """An archive of the minimal system, made once."""
    archive = WORK / f"{suite}.tar"
    if not archive.exists():
        folder = WORK / f"{suite}.making"
        shutil.rmtree(folder, ignore_errors=True)
        uri = sources(suite)[0][0]
        # Certificates belong to what this machine adds, for mirrors and registries behind authorities of its own.
        options = ("--variant=minbase", "--include=ca-certificates", f"--keyring={KEYRINGS}")
        call("debootstrap", *options, suite, folder, uri)
        call("tar", "--create", "--file", archive.with_suffix(".part"), ".", cwd=folder)
        archive.with_suffix(".part").rename(archive)
        shutil.rmtree(folder)
    return archive


def lay(suite: str, folder: Path) -> None:
    """Unpack a system and make it one of this machine's network, with an ordinary user and both kinds of `localhost`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    call("tar", "--extract", "--file", base(suite), cwd=folder)
    lines = "".join(f"deb {uri} {name} {component}\n" for uri, name, component in sources(suite))
    (folder / "etc/apt/sources.list").write_text(lines)
    kept = [
        line for line in call("apt-config", "dump").splitlines() if line.startswith(("Acquire::http", "Acquire::Check"))
    ]
    (folder / "etc/apt/apt.conf.d/00machine").write_text("\n".join(kept) + "\n")
    for setting in (*SETTINGS, AUTHORITIES):
        there = folder / setting.lstrip("/")
        if Path(setting).is_dir():
            shutil.copytree(setting, there, dirs_exist_ok=True)
        elif Path(setting).exists():
            shutil.copy(setting, there)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    hosts = [line for line in Path("/etc/hosts").read_text().splitlines() if "::1" not in line]
    (folder / "etc/hosts").write_text("\n".join((*hosts, "::1 localhost ip6-localhost")) + "\n")
    call("chroot", folder, "update-ca-certificates")
    call("chroot", folder, "useradd", "--create-home", "--shell", "/bin/bash", "reader")
