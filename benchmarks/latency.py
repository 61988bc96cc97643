"""How long a trap takes to a webhook, and how long a quiet source waits beside a storm: `make bench-latency`.

The webhook and the senders share one core, the gateway has the other. Times are those of one clock: when the trap left,
and when the request for its event arrived. The peer is snmptrapd with `traphandle`, which posts by curl.

A thousand traps a second come from fifty sources. One source that sends so fast is a storm, which the gateway as it
comes holds back; in a row of its own every trap of one source is to be told, one after the other, as order wants it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from aiohttp import web
from ruamel.yaml import YAML

from benchmarks.peers import COMPILED, CORE
from rigs.ports import free_port
from tests.support.sites import UNKNOWN, octets
from wire.snmp import Kind

SECONDS = 15.0
RATE, STORM_RATE, QUIET_RATE = 1_000, 50_000, 20
MANY = [f"127.0.6.{number}" for number in range(1, 51)]
ONE = ["127.0.0.6"]
REPEATS = int(os.environ.get("REPEATS", "3"))
NUMBER = re.compile(rf"^\.{re.escape(str(UNKNOWN.child(1)))} (\d+)$".encode(), re.MULTILINE)  # as snmptrapd hands it on


class Receiver(NamedTuple):
    """A running receiver: its port, and how many traps it has kept, where it can say that."""

    port: int
    kept: Callable[[], str]


Receivers = Callable[[Path, int, bool], AbstractContextManager[Receiver]]


class Case(NamedTuple):
    """What is sent and to whom. `target_ms` is for the 99th percentile; `told`: no source is taken for a storm."""

    name: str
    sources: list[str]
    rate: float
    target_ms: int | None
    receivers: dict[str, Receivers]
    beside_storm: bool = False
    told: bool = False


def hook(port: int, seen: Queue[dict[int, float]]) -> None:
    """Take events until told to stop, and hand over when each number of the measured sources arrived."""
    arrived: dict[int, float] = {}

    async def take(request: web.Request) -> web.Response:
        now = time.monotonic()
        event = json.loads(await request.read())
        if event["type"] == "trap.unknown" and event["subject"] in SOURCES:
            arrived.setdefault(event["data"]["evidence"]["variables"][0]["value"], now)
        return web.Response()

    async def take_lines(request: web.Request) -> web.Response:
        now = time.monotonic()
        found = NUMBER.search(await request.read())
        if found:
            arrived.setdefault(int(found[1]), now)
        return web.Response()

    async def stop(_request: web.Request) -> web.Response:
        seen.put(arrived)
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    application.router.add_post("/lines", take_lines)
    application.router.add_get("/stop", stop)
    os.sched_setaffinity(0, {0})
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


def send(port: int, sources: list[str], rate: float, seconds: float) -> dict[int, float]:
    """Traps at an even pace, of each source in turn; when each number left."""
    left: dict[int, float] = {}
    with ExitStack() as stack:
        senders = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in sources]
        for one, source in zip(senders, sources, strict=True):
            one.bind((source, 0))
            one.connect(("127.0.0.1", port))
        begun = time.monotonic()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            while (wait := due - time.monotonic()) > 0:
                time.sleep(min(wait, 0.01))
            left[number] = time.monotonic()
            senders[number % len(senders)].send(octets(number, number + 1, Kind.TRAP_V2))
    return left


def storm(port: int, rate: int, seconds: float) -> None:
    """Datagrams of one source, a millisecond's worth at a time."""
    os.sched_setaffinity(0, {0})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.5", 0))
        one.connect(("127.0.0.1", port))
        data = octets(1, 1, Kind.TRAP_V2)
        begun, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - begun) < seconds:
            for _ in range(max(0, int(elapsed * rate) - sent)):
                one.send(data)
                sent += 1
            time.sleep(0.001)


@contextmanager
def _running(command: list[str], folder: Path, more: dict[str, str]) -> Iterator[Path]:
    """A process on the measured core, and the file that takes what it says."""
    said = folder / "said"
    with said.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),  # noqa: PLW1509
            env={**os.environ, **more},
        )
    try:
        yield said
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def standin(folder: Path, port: int, told: bool, more: dict[str, str] | None = None) -> Iterator[Receiver]:
    """Ours; with `told`, no source is taken for a storm."""
    trap, api = free_port(), f"127.0.0.1:{free_port()}"
    site: dict[str, Any] = {
        "listen": [{"port": trap}],
        "api": {"bind": api},
        "sinks": {"hook": {"type": "webhook", "url": f"http://127.0.0.1:{port}/hook"}},
    }
    if told:
        site["correlate"] = {"storms": None}
    with (folder / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    command = [sys.executable, "-m", "rigs.cli", "gateway", str(folder / "site.yaml"), "--data", str(folder / "db")]

    def kept() -> str:
        with urlopen(f"http://{api}/v1/journal", timeout=60) as answer:
            journal = json.load(answer)
        lost = sum(row["dropped_by_kernel"] for row in journal["listeners"])
        return f"{journal['records']:,} records, {lost} dropped by the kernel"

    with _running(command, folder, more or {}) as said:
        while "gateway ready" not in said.read_text():
            time.sleep(0.05)
        yield Receiver(trap, kept)


def compiled(folder: Path, port: int, told: bool) -> AbstractContextManager[Receiver]:
    """The same with a compiled codec."""
    return standin(folder, port, told, COMPILED)


@contextmanager
def snmptrapd(folder: Path, port: int, _told: bool) -> Iterator[Receiver]:
    """net-snmp's, which runs a program for each trap and waits for it."""
    trap, config = free_port(), folder / "snmptrapd.conf"
    config.write_text(
        "[snmp] serverRecvBuf 16777216\ndisableAuthorization yes\n"
        f"traphandle default /usr/bin/curl -s -o /dev/null --data-binary @- http://127.0.0.1:{port}/lines\n"
    )
    command = ["snmptrapd", "-f", "-n", "-On", "-C", "-c", str(config), "-Le", f"127.0.0.1:{trap}"]
    with _running(command, folder, {"SNMP_PERSISTENT_DIR": str(folder)}) as said:
        while "NET-SNMP version" not in said.read_text():
            time.sleep(0.05)
        yield Receiver(trap, lambda: "no journal")


OURS: dict[str, Receivers] = {"standin": standin, "compiled": compiled}
PATHS = (
    Case(f"trap to webhook, 1,000/s of {len(MANY)} sources", MANY, RATE, 15, {**OURS, "snmptrapd": snmptrapd}),
    Case("trap to webhook, 1,000/s of one source", ONE, RATE, None, OURS, told=True),
    Case("quiet source beside a storm", ONE, QUIET_RATE, 100, {"standin": standin}, beside_storm=True),
)
SOURCES = frozenset(MANY + ONE)


def measure(path: Case, make: Receivers) -> tuple[list[float], int, str]:
    """Delays in milliseconds in their order, how many did not arrive, and what the receiver kept."""
    port = free_port()
    seen: Queue[dict[int, float]] = Queue()
    listener = Process(target=hook, args=(port, seen), daemon=True)
    listener.start()
    os.sched_setaffinity(0, {0})
    try:
        with tempfile.TemporaryDirectory() as name, make(Path(name), port, path.told) as receiver:
            noise = Process(target=storm, args=(receiver.port, STORM_RATE, SECONDS), daemon=True)
            if path.beside_storm:
                noise.start()
                time.sleep(0.5)
            left = send(receiver.port, path.sources, path.rate, SECONDS - 1)
            if path.beside_storm:
                noise.join()
            time.sleep(2)
            kept = receiver.kept()
            urlopen(f"http://127.0.0.1:{port}/stop", timeout=60).close()
            arrived = seen.get(timeout=30)
    finally:
        listener.terminate()
    return sorted((arrived[number] - left[number]) * 1000 for number in arrived), len(left) - len(arrived), kept


def main() -> None:
    for program in ("snmptrapd", "curl"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: install Debian's package {program}")
    print(f"{platform.machine()}, Python {platform.python_version()}, {REPEATS} rounds of {SECONDS:g} s")
    for path in PATHS:
        late: dict[str, list[float]] = {}
        for _ in range(REPEATS):
            for who, make in path.receivers.items():
                delays, missing, kept = measure(path, make)
                middle, p99 = (delays[int(len(delays) * share)] for share in (0.5, 0.99))
                late.setdefault(who, []).append(p99)
                print(
                    f"  {path.name}, {who}: median {middle:.1f} ms, p99 {p99:.1f} ms, most {delays[-1]:.1f} ms;"
                    f" {missing} of {missing + len(delays)} did not arrive in time; {kept}"
                )
        for who, found in late.items():
            verdict = ""
            if path.target_ms is not None and who in OURS:
                met = "met" if statistics.median(found) <= path.target_ms else "NOT met"
                verdict = f", target {path.target_ms}: {met}"
            print(f"{path.name}: {who} p99 {statistics.median(found):.1f} ms{verdict}")


if __name__ == "__main__":
    main()
