"""Forwards against net-snmp's snmptrapd, in one run: `make bench-forward`.

Version 2 to version 2, source kept (`snmpTrapAddress`): ours with the journal on disk as its queue, snmptrapd's
`forward` with `addForwarderInfo` and no queue. One process sends and counts what comes out, 2,000 under way, for which
both have a buffer of 16 MiB. No two notifications have the same variables.
"""

from __future__ import annotations

import os
import platform
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.peers import COMPILED, CORE, compare_medians
from benchmarks.results import ResultRow, keep
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind
from tests.support.sites import octets

REPEATS = int(os.environ.get("REPEATS", "5"))
SECONDS = 3.0
UNDER_WAY = 2_000
PATIENCE_S = 1.0  # a disk's sync may take half of it
TARGET = 2.0


def _pin() -> None:
    os.sched_setaffinity(0, {CORE})


@contextmanager
def _running(command: list[str], more: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_pin,  # noqa: PLW1509
        env={**os.environ, **(more or {})},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def ridethrough(folder: Path, to: int, more: dict[str, str] | None = None) -> Iterator[int]:
    """Ours; the port that it listens at."""
    port = free_port()
    site = {
        "listen": [{"port": port}],
        "api": {"bind": f"127.0.0.1:{free_port()}"},
        "correlate": {"storms": None},
        "forwards": {"nms": {"to": f"127.0.0.1:{to}", "as": "v2c"}},
    }
    data = Path(tempfile.mkdtemp(dir=folder))
    with (data / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    words = ["gateway", str(data / "site.yaml"), "--data", str(data / "db")]
    with _running([sys.executable, "-m", "ridethrough", *words], more):
        yield port


def compiled(folder: Path, to: int) -> AbstractContextManager[int]:
    """The same with a compiled codec."""
    return ridethrough(folder, to, COMPILED)


@contextmanager
def snmptrapd(folder: Path, to: int) -> Iterator[int]:
    """net-snmp's."""
    port = free_port()
    data = Path(tempfile.mkdtemp(dir=folder))
    config = data / "snmptrapd.conf"
    config.write_text(
        "[snmp] serverRecvBuf 16777216\n"
        f"disableAuthorization yes\naddForwarderInfo yes\nforward default 127.0.0.1:{to}\n"
    )
    command = ["snmptrapd", "-f", "-n", "-C", "-c", str(config), "-Lf", str(data / "log"), f"127.0.0.1:{port}"]
    with _running(command, {"SNMP_PERSISTENT_DIR": str(data)}):
        yield port


def measure(make: Callable[[Path, int], AbstractContextManager[int]], folder: Path) -> tuple[float, int]:
    """Forwarded a second, and how many did not come out."""
    os.sched_setaffinity(0, {0})
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back,
    ):
        back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        back.bind(("127.0.0.1", free_port()))
        with make(folder, back.getsockname()[1]) as port:
            out.connect(("127.0.0.1", port))
            prepared = [octets(number, number + 1, Kind.TRAP_V2) for number in range(20_000)]
            back.settimeout(0.2)
            while True:  # until it listens
                try:
                    out.send(prepared[0])
                    back.recv(65535)
                    break
                except (TimeoutError, ConnectionRefusedError):
                    time.sleep(0.05)
            time.sleep(0.5)
            back.setblocking(False)
            while select.select([back], [], [], 0.2)[0]:
                back.recv(65535)
            sent = received = lost = 0
            begun = time.perf_counter()
            last = begun
            while (now := time.perf_counter()) < begun + SECONDS:
                while sent - received - lost < UNDER_WAY:
                    out.send(prepared[sent % len(prepared)])
                    sent += 1
                try:
                    while True:
                        back.recv(65535)
                        received += 1
                        last = now
                except BlockingIOError:
                    select.select([back], [], [], 0.01)
                if now - last > PATIENCE_S:  # nothing more will come of these
                    lost, last = sent - received, now
            elapsed = time.perf_counter() - begun
    return received / elapsed, lost


def main() -> None:
    if shutil.which("snmptrapd") is None:
        raise SystemExit("snmptrapd is missing: install Debian's package snmptrapd")
    makers: dict[str, Callable[[Path, int], AbstractContextManager[int]]] = {
        "ridethrough": ridethrough,
        "compiled": compiled,
        "snmptrapd": snmptrapd,
    }
    rounds: dict[str, list[float]] = {}
    lost = dict.fromkeys(makers, 0)
    with tempfile.TemporaryDirectory() as name:
        for _ in range(REPEATS):
            for who, make in makers.items():
                rate, missing = measure(make, Path(name))
                rounds.setdefault(who, []).append(rate)
                lost[who] += missing
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {REPEATS}")
    for who, rates in rounds.items():
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        print(f"  {who:<10}{statistics.median(rates):>10,.0f}/s  ({spread}), lost {lost[who]}")
    compare_medians({who: statistics.median(rates) for who, rates in rounds.items()}, ("snmptrapd",), (TARGET,))
    keep("forwards", [ResultRow("forward v2c to v2c", rounds, {"snmptrapd": TARGET})])


if __name__ == "__main__":
    main()
