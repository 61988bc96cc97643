"""A system that runs in namespaces of its own: processes, mounts, network. All of them end with its first process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.fresh.debian import ROOT, call, lay, variables

# The new root is a mount, not a chroot: in a chroot the kernel refuses user namespaces, which the tests of a user want.
# Its devices are its own, so that nothing it does to them is done to the machine's.
BEGIN = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 dev/tty c 5 0
mkdir -m 1777 dev/shm
mkdir dev/pts
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
echo there
exec sleep infinity
"""
WAIT_S = 60


class Guest:
    """A running system, with a clone of the checkout in the home of the one who tries it."""

    def __init__(self, folder: Path, user: str, process: int) -> None:
        self.folder = folder
        self.user = user
        self._process = process
        self.home = Path("/root" if user == "root" else f"/home/{user}")
        self.checkout = self.home / "ridethrough"

    def command(self, line: str, *, user: str | None = None) -> list[str]:
        """A line of shell, as `user` in the checkout, with an environment that has only what a login gives."""
        name = user or self.user
        home = "/root" if name == "root" else f"/home/{name}"
        sbin = "/usr/local/sbin:/usr/sbin:/sbin:" if name == "root" else ""
        login = {"HOME": home, "USER": name, "LOGNAME": name, "PATH": f"{sbin}/usr/local/bin:/usr/bin:/bin"}
        login |= {"LANG": "C.UTF-8", "TERM": "dumb", **variables()}
        number = str(self._process)
        return [
            *("nsenter", "--mount", "--pid", "--net", "--root", "--wd", "--target", number),
            *("/usr/bin/setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups"),
            *("/usr/bin/env", "--ignore-environment", *(f"{key}={value}" for key, value in login.items())),
            *("/bin/bash", "-c", f"cd {self.checkout} 2>/dev/null || cd; {line}"),
        ]

    def answers(self, url: str, process: subprocess.Popen[bytes]) -> bool:
        """Wait in the guest's network until something answers there; False when the process ends before."""
        ask = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=5)"
        words = ["nsenter", "--net", "--target", str(self._process), sys.executable, "-I", "-c", ask]
        while subprocess.run(words, capture_output=True, check=False).returncode:
            if process.poll() is not None:
                return False
            time.sleep(0.05)  # between tries; the answer, not the time, ends them
        return True


def _first_line(stream: IO[bytes]) -> str:
    return stream.readline().decode().strip()


@contextmanager
def guest(suite: str, user: str, folder: Path) -> Iterator[Guest]:
    """A new system of that release; its processes, mounts and files are gone at the end, however that comes."""
    lay(suite, folder)
    # In the order of begin: whatever ends this program ends the first process, and with it all others of the guest.
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
    with subprocess.Popen([*words, "sh", "-c", BEGIN, "sh", str(folder)], stdout=subprocess.PIPE) as outer:
        network: subprocess.Popen[bytes] | None = None
        try:
            assert outer.stdout is not None
            if _first_line(outer.stdout) != "there":
                sys.exit(f"the system in {folder} did not begin")
            (inner,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
            network = _connect(int(inner))
            yield Guest(folder, user, int(inner))
        finally:
            outer.kill()
            outer.wait()
            if network is not None:
                network.terminate()
                network.wait()
    shutil.rmtree(folder)


def _connect(process: int) -> subprocess.Popen[bytes]:
    """Give the network of that process a way out by user-mode translation; its loopback stays its own."""
    reading, writing = os.pipe()
    words = ["slirp4netns", "--configure", "--mtu=65520", f"--ready-fd={writing}", str(process), "tap0"]
    prefix = ["setpriv", "--pdeathsig", "KILL"]
    network = subprocess.Popen(
        [*prefix, *words], pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as ready:
        if ready.read(1) != b"1":
            sys.exit("slirp4netns gives the system no network")
    return network


def clone(system: Guest) -> None:
    """HEAD, as `git clone` gives it."""
    there = system.folder / str(system.checkout).lstrip("/")
    call("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", there)
    owner = call("chroot", system.folder, "id", "-u", system.user).strip()
    call("chown", "-R", f"{owner}:{owner}", there)
