"""Time of a trap to a webhook, and of a quiet source's trap beside a storm: `make bench-latency`.

The webhook and the senders share one core, the gateway has the other. Times are those of one clock: when the trap left,
and when the request for its event arrived. The peer is snmptrapd with `traphandle`, which posts by curl.

A thousand traps a second come from fifty sources, with a request for each event and with batches. One source that sends
so fast is a storm, which the gateway as it comes holds back; in rows of its own every trap of one source is to be told.

A core that somebody else uses, too, may be half as fast from one second to the next. So a fixed piece of work is timed
on the gateway's core before and behind each round, and its pace stands beside the delays.
"""

from __future__ import annotations

import asyncio
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.request import urlopen

from ruamel.yaml import YAML

from benchmarks.peers import COMPILED, CORE
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind
from tests.support.sites import UNKNOWN, octets

SECONDS = 15.0
RATE, STORM_RATE, QUIET_RATE = 1_000, 50_000, 20
BATCH = 100
FULL_PACE = 0.9  # of the best that was seen
MANY = [f"127.0.6.{number}" for number in range(1, 51)]
ONE = ["127.0.0.6"]
REPEATS = int(os.environ.get("REPEATS", "3"))
LINE = re.compile(rf"^\.{re.escape(str(UNKNOWN.child(1)))} (\d+)$".encode(), re.MULTILINE)  # as snmptrapd hands it on
REQUEST = re.compile(rb"\w+ (\S+) HTTP/1\.1\r\n(?:content-length: *(\d+)\r\n|[^\r\n]+\r\n)*\r\n", re.IGNORECASE)


class MeasuredReceiver(NamedTuple):
    """A running receiver: its port, and how many traps it has kept, where it can say that."""

    port: int
    kept: Callable[[], str]


class Case(NamedTuple):
    """One run. `target_ms` is for the 99th percentile; with `told` no source is taken for a storm."""

    name: str
    sources: list[str]
    rate: float
    target_ms: int | None
    receivers: Mapping[str, Receivers]
    batch: int = 1
    beside_storm: bool = False
    told: bool = False


Receivers = Callable[[Path, int, Case], AbstractContextManager[MeasuredReceiver]]


class Hook(asyncio.Protocol):
    """The least that takes a POST: a server that does more for each would add its own delay to what it measures."""

    taken: list[tuple[float, bytes]]  # when each request had arrived, and its body
    seen: Queue[dict[int, float]]

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._read += data
        while (request := REQUEST.match(self._read)) and len(self._read) >= request.end() + int(request[2] or 0):
            end = request.end() + int(request[2] or 0)
            self.taken.append((now, self._read[request.end() : end]))
            self._read = self._read[end:]
            if request[1] == b"/stop":
                self.seen.put(arrivals(self.taken))
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def hook(port: int, seen: Queue[dict[int, float]]) -> None:
    """Take events until told to stop, and hand over when each number of the measured sources arrived."""
    os.sched_setaffinity(0, {0})
    Hook.taken, Hook.seen = [], seen

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Hook, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


def arrivals(taken: list[tuple[float, bytes]]) -> dict[int, float]:
    """Return the first arrival of each number, in an event of ours, an array of them, or lines of snmptrapd."""
    arrived: dict[int, float] = {}
    for at, body in taken:
        if line := LINE.search(body):
            arrived.setdefault(int(line[1]), at)
        elif body:
            told = json.loads(body)
            for event in told if isinstance(told, list) else [told]:
                if event["type"] == "trap.unknown" and event["subject"] in SOURCES:
                    arrived.setdefault(event["data"]["evidence"]["variables"][0]["value"], at)
    return arrived


def send(port: int, sources: list[str], rate: float, seconds: float) -> dict[int, float]:
    """Traps at an even pace, of each source in turn; when each number left."""
    left: dict[int, float] = {}
    traps = [octets(number, number + 1, Kind.TRAP_V2) for number in range(int(rate * seconds))]
    with ExitStack() as stack:
        senders = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in sources]
        for one, source in zip(senders, sources, strict=True):
            one.bind((source, 0))
            one.connect(("127.0.0.1", port))
        begun = time.monotonic()
        for number, trap in enumerate(traps):
            due = begun + number / rate
            while (wait := due - time.monotonic()) > 0:
                time.sleep(min(wait, 0.01))
            left[number] = time.monotonic()
            senders[number % len(senders)].send(trap)
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
def ridethrough(folder: Path, port: int, case: Case, more: dict[str, str] | None = None) -> Iterator[MeasuredReceiver]:
    """Ours."""
    trap, api = free_port(), f"127.0.0.1:{free_port()}"
    site: dict[str, Any] = {
        "listen": [{"port": trap}],
        "api": {"bind": api},
        "sinks": {"hook": {"type": "webhook", "url": f"http://127.0.0.1:{port}/hook", "batch": case.batch}},
    }
    if case.told:
        site["correlate"] = {"storms": None}
    with (folder / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    command = [sys.executable, "-m", "ridethrough", "gateway", str(folder / "site.yaml"), "--data", str(folder / "db")]

    def kept() -> str:
        with urlopen(f"http://{api}/v1/journal", timeout=60) as answer:
            journal = json.load(answer)
        lost = sum(row["dropped_by_kernel"] for row in journal["listeners"])
        return f"{journal['records']:,} records, {lost} dropped by the kernel"

    with _running(command, folder, more or {}) as said:
        while "gateway ready" not in said.read_text():
            time.sleep(0.05)
        yield MeasuredReceiver(trap, kept)


def compiled(folder: Path, port: int, case: Case) -> AbstractContextManager[MeasuredReceiver]:
    """The same with a compiled codec."""
    return ridethrough(folder, port, case, COMPILED)


@contextmanager
def snmptrapd(folder: Path, port: int, _case: Case) -> Iterator[MeasuredReceiver]:
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
        yield MeasuredReceiver(trap, lambda: "no journal")


OURS: dict[str, Receivers] = {"ridethrough": ridethrough, "compiled": compiled}
CHECKOUT: dict[str, Receivers] = {"ridethrough": ridethrough}
AT_RATE = "trap to webhook, 1,000/s of"
CASES = (
    Case(f"{AT_RATE} {len(MANY)} sources", MANY, RATE, 15, {**OURS, "snmptrapd": snmptrapd}),
    Case(f"{AT_RATE} {len(MANY)} sources, in batches", MANY, RATE, 15, OURS, batch=BATCH),
    Case(f"{AT_RATE} one source", ONE, RATE, None, CHECKOUT, told=True),
    Case(f"{AT_RATE} one source, in batches", ONE, RATE, None, CHECKOUT, batch=BATCH, told=True),
    Case("quiet source beside a storm", ONE, QUIET_RATE, 100, CHECKOUT, beside_storm=True),
)
SOURCES = frozenset(MANY + ONE)


class Round(NamedTuple):
    """Delays in milliseconds in their order, how many did not arrive, what the receiver kept, and the pace there."""

    delays: list[float]
    missing: int
    kept: str
    pace: float

    def delay(self, share: float) -> float:
        return self.delays[int(len(self.delays) * share)]


def pace() -> float:
    """Return how often a second the measured core does a constant piece of work."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORE})
    begun, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < 0.3:
        sum(number * number for number in range(2_000))
        done += 1
    os.sched_setaffinity(0, before)
    return done / elapsed


def measure(case: Case, make: Receivers) -> Round:
    """One round."""
    before = pace()
    port = free_port()
    seen: Queue[dict[int, float]] = Queue()
    listener = Process(target=hook, args=(port, seen), daemon=True)
    listener.start()
    os.sched_setaffinity(0, {0})
    try:
        with tempfile.TemporaryDirectory() as name, make(Path(name), port, case) as receiver:
            noise = Process(target=storm, args=(receiver.port, STORM_RATE, SECONDS), daemon=True)
            if case.beside_storm:
                noise.start()
                time.sleep(0.5)
            left = send(receiver.port, case.sources, case.rate, SECONDS - 1)
            if case.beside_storm:
                noise.join()
            time.sleep(2)
            kept = receiver.kept()
            urlopen(f"http://127.0.0.1:{port}/stop", timeout=60).close()
            arrived = seen.get(timeout=30)
    finally:
        listener.terminate()
    delays = sorted((arrived[number] - left[number]) * 1000 for number in arrived)
    return Round(delays, len(left) - len(arrived), kept, (before + pace()) / 2)


def main() -> None:
    for program in ("snmptrapd", "curl"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: install Debian's package {program}")
    print(f"{platform.machine()}, Python {platform.python_version()}, {REPEATS} rounds of {SECONDS:g} s")
    found: dict[tuple[int, str], list[Round]] = {}
    for number, case in enumerate(CASES):
        for _ in range(REPEATS):
            for who, make in case.receivers.items():
                one = measure(case, make)
                found.setdefault((number, who), []).append(one)
                print(
                    f"  {case.name}, {who}: median {one.delay(0.5):.1f} ms, p99 {one.delay(0.99):.1f} ms, most"
                    f" {one.delays[-1]:.1f} ms; {one.missing} of {one.missing + len(one.delays)} did not arrive in"
                    f" time; {one.kept}; pace {one.pace:.0f}",
                    flush=True,
                )
    best = max(one.pace for rounds in found.values() for one in rounds)
    for (number, who), rounds in found.items():
        _judge(CASES[number], who, rounds, best)


def _judge(case: Case, who: str, rounds: list[Round], best: float) -> None:
    """The median of all rounds is what counts; those in which the core was the gateway's alone stand beside it."""
    p99 = statistics.median(one.delay(0.99) for one in rounds)
    middle = statistics.median(one.delay(0.5) for one in rounds)
    verdict = ""
    if case.target_ms is not None and who in OURS:
        verdict = f", target {case.target_ms}: {'met' if p99 <= case.target_ms else 'NOT met'}"
    paces = ", ".join(f"{one.delay(0.99):.1f} at {one.pace / best:.0%}" for one in rounds)
    full = [one.delay(0.99) for one in rounds if one.pace >= FULL_PACE * best]
    alone = f"; {statistics.median(full):.1f} ms in {len(full)} at full pace" if full else ""
    print(f"{case.name}: {who} median {middle:.1f} ms, p99 {p99:.1f} ms ({paces} of the best pace{alone}){verdict}")


if __name__ == "__main__":
    main()
