"""`make image-test`: images by buildah on a base made by debootstrap, started, and asked over SNMP, IPMI and HTTP.

As root on a Debian machine. Containers are isolated by chroot only, so each is started in a network namespace of its
own, in which the questions are asked, too. The Debian package is installed into the same base and asked likewise.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "images"
BASE = "localhost/ridethrough-base"
TARGETS = ("emulators", "gateway", "ridethrough")
ENVIRONMENT = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
PACKAGES = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "snmpget": "snmp",
    "ipmitool": "ipmitool",
    "curl": "curl",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
}
DEADLINE_S = 60
CARD = ("snmpget", "-v1", "-c", "public", "-Oqv")
BMC = ("ipmitool", "-I", "lanplus", "-U", "admin", "-P", "admin")
BASIC_OUTPUT_STATUS = "1.3.6.1.4.1.318.1.1.1.4.1.1.0"
COLD_START = ("1.3.6.1.4.1.318", "127.0.0.1", "0", "0", "1")  # enterprise, agent, generic, specific, uptime


def call(*words: str | Path, env: dict[str, str] | None = None) -> str:
    """Run to the end and return what it printed; what went wrong ends everything."""
    done = subprocess.run(
        [str(word) for word in words], env=env or ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {words}\n")
    sys.stdout.flush()


def tools() -> None:
    missing = sorted({package for tool, package in PACKAGES.items() if shutil.which(tool) is None})
    if missing:
        say(f"installing {' '.join(missing)}")
        call("apt-get", "update", "-qq")
        quiet = {**ENVIRONMENT, "DEBIAN_FRONTEND": "noninteractive"}
        call("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=quiet)


def base() -> Path:
    """A Debian with Python, as a folder and as an image; it trusts whom this machine trusts."""
    folder = WORK / "base"
    if not (folder / "usr/bin/python3").exists():
        say("debootstrap")
        shutil.rmtree(folder, ignore_errors=True)
        packages = "--include=python3,python3-venv,ca-certificates"
        call("debootstrap", "--variant=minbase", packages, "bookworm", folder, "http://deb.debian.org/debian")
        trusted = Path("/etc/ssl/certs/ca-certificates.crt")
        if trusted.exists():
            shutil.copy(trusted, folder / "etc/ssl/certs/ca-certificates.crt")
    container = call("buildah", "from", "scratch")
    call("buildah", "add", "-q", container, folder, "/")
    call("buildah", "commit", "-q", "--rm", container, BASE)
    return folder


def build(target: str) -> str:
    """The image of a target of the Dockerfile."""
    say(f"building {target}")
    name = f"localhost/{target}-image-test"
    options = ("--layers", "--format", "docker", "--target", target, "--build-arg", f"BASE={BASE}")
    call("buildah", "build", *options, "-t", name, ROOT)
    return name


def wait_for(namespace: int, *words: str) -> str:
    """Ask in that network namespace until there is an answer."""
    deadline = time.monotonic() + DEADLINE_S
    command = ["nsenter", "--net", f"--target={namespace}", *words]
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
        if time.monotonic() > deadline:
            sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        time.sleep(0.2)  # between tries; the answer, not the time, ends them


def inside(launcher: int) -> int:
    """The process of Ridethrough in the launcher's network; buildah would kill it, where an engine ends it."""
    place = Path(f"/proc/{launcher}/ns/net").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if Path(process / "ns/net").readlink() == place and words[0].endswith(b"python3"):
                return int(process.name)
        except OSError:
            continue  # it has ended meanwhile
    sys.exit(f"nothing runs in the network of process {launcher}")


@contextmanager
def started(*words: str | Path) -> Iterator[int]:
    """Something that runs in a network of its own, by the process in whose namespaces it is; ended as an engine would."""
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "--", *map(str, words)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as it:
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{it.pid}/ns/net").readlink() == own:
            time.sleep(0.05)
        try:
            yield it.pid
        finally:
            if it.poll() is None:
                os.kill(inside(it.pid), signal.SIGTERM)
            printed, _ = it.communicate(timeout=DEADLINE_S)
    if "stopped" not in printed:
        sys.exit(f"did not stop in order, status {it.returncode}:\n{printed}")


@contextmanager
def image(name: str) -> Iterator[int]:
    """A container of the image, with what the image itself says is to be run."""
    config = json.loads(call("buildah", "inspect", "--type", "image", name))["Docker"]["config"]
    if config["User"] != "10001" or not config["Healthcheck"]["Test"]:
        sys.exit(f"{name}: {config['User']!r}, {config['Healthcheck']}")
    container = call("buildah", "from", name)
    words = (*config["Entrypoint"], *config["Cmd"])
    try:
        with started("buildah", "run", "--isolation", "chroot", container, "--", *words) as namespace:
            yield namespace
            health = config["Healthcheck"]["Test"][1:]
            wait_for(namespace, "buildah", "run", "--isolation", "chroot", container, "--", *health)
    finally:
        call("buildah", "rm", container)


def ask_devices(namespace: int, snmp: str, ipmi: str) -> None:
    status = wait_for(namespace, *CARD, f"127.0.1.1{snmp}", BASIC_OUTPUT_STATUS)
    power = wait_for(namespace, *BMC, "-H", "127.0.11.1", "-p", ipmi, "chassis", "power", "status")
    say(f"  over SNMP: upsBasicOutputStatus {status}; over IPMI: {power}")
    if (status, power) != ("2", "Chassis Power is on"):
        sys.exit("not what devices on line power say")


def hear(namespace: int, port: int, http: int) -> None:
    """A trap is sent, and asked for over HTTP."""
    to = ("snmptrap", "-v1", "-c", "public", f"127.0.0.1:{port}")
    wait_for(namespace, "curl", "-sf", f"http://127.0.0.1:{http}/readyz")
    wait_for(namespace, *to, *COLD_START)
    heard = wait_for(
        namespace, "sh", "-c", f"curl -sf http://127.0.0.1:{http}/v1/events?last=50 | grep -o ups.card.restarted"
    )
    say(f"  over HTTP: {heard.splitlines()[0]}")


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("make image-test wants root: chroot and network namespaces need it")
    tools()
    WORK.mkdir(parents=True, exist_ok=True)
    folder = base()
    images = {target: build(target) for target in TARGETS}
    say("image emulators")
    with image(images["emulators"]) as namespace:
        ask_devices(namespace, ":1161", "1623")
    say("image ridethrough")
    with image(images["ridethrough"]) as namespace:
        ask_devices(namespace, ":1161", "1623")
        hear(namespace, 1162, 8080)
    say("image gateway")
    with image(images["gateway"]) as namespace:
        hear(namespace, 1162, 8080)
    say("Debian package")
    call(ROOT / "rigs/deploy/deb", env={**ENVIRONMENT, "PYTHON": sys.executable})
    (package,) = (ROOT / "dist").glob("ridethrough_*.deb")
    shutil.copy(package, folder / "ridethrough.deb")
    call("chroot", folder, "dpkg", "-i", "/ridethrough.deb")
    with started("chroot", folder, "ridethrough", "emulators", "/etc/ridethrough/rig.yaml") as namespace:
        ask_devices(namespace, "", "623")
    with started(
        "chroot", folder, "ridethrough", "gateway", "/etc/ridethrough/site.yaml", "--data", "/tmp"
    ) as namespace:
        hear(namespace, 162, 8080)
    call("chroot", folder, "dpkg", "--purge", "ridethrough")
    left = [path for path in ("etc/ridethrough", "usr/lib/ridethrough") if (folder / path).exists()]
    if left:
        sys.exit(f"the removed package left {left}")
    say("all of them built, started, answered and stopped")


main()
