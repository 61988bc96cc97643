"""How long a trap takes to a webhook, and how long a quiet source waits beside a storm: `make bench-latency`.

The webhook and the senders share one core, the gateway has the other. Times are those of one clock: when the trap left,
and when the request for its event arrived.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from aiohttp import web
from ruamel.yaml import YAML

from benchmarks.peers import CORE
from rigs.ports import free_port
from tests.support.sites import octets
from wire.snmp import Kind

SECONDS = 20.0
RATE, STORM_RATE, QUIET_RATE = 1_000, 50_000, 20
TARGETS_MS = {"trap to webhook, 1,000/s": 15, "quiet source beside a storm": 100}
REPEATS = int(os.environ.get("REPEATS", "3"))


def hook(port: int, seen: Queue[dict[int, float]], source: str) -> None:
    """Take events until told to stop, and hand over when each number of a source arrived."""
    arrived: dict[int, float] = {}

    async def take(request: web.Request) -> web.Response:
        now = time.monotonic()
        event = json.loads(await request.read())
        if event["subject"] == source and event["type"] == "trap.unknown":
            arrived.setdefault(event["data"]["evidence"]["variables"][0]["value"], now)
        return web.Response()

    async def stop(_request: web.Request) -> web.Response:
        seen.put(arrived)
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    application.router.add_get("/stop", stop)
    os.sched_setaffinity(0, {0})
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


def send(port: int, source: str, rate: float, seconds: float) -> dict[int, float]:
    """Traps at an even pace; when each number left."""
    left: dict[int, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((source, 0))
        one.connect(("127.0.0.1", port))
        begun = time.monotonic()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            while (wait := due - time.monotonic()) > 0:
                time.sleep(min(wait, 0.01))
            left[number] = time.monotonic()
            one.send(octets(number, number + 1, Kind.TRAP_V2))
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


def measure(path: str) -> tuple[list[float], dict[str, Any]]:
    """Delays in milliseconds, and how the journal stands afterwards."""
    trap, api, port = free_port(), f"127.0.0.1:{free_port()}", free_port()
    source, rate = ("127.0.0.6", QUIET_RATE) if "storm" in path else ("127.0.0.6", RATE)
    seen: Queue[dict[int, float]] = Queue()
    receiver = Process(target=hook, args=(port, seen, source), daemon=True)
    receiver.start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site: dict[str, Any] = {
            "listen": [{"port": trap}],
            "api": {"bind": api},
            "sinks": {"hook": {"type": "webhook", "url": f"http://127.0.0.1:{port}/hook"}},
        }
        if "storm" not in path:
            site["correlate"] = {"storms": None}
        with (folder / "site.yaml").open("w") as stream:
            YAML().dump(site, stream)
        command = [sys.executable, "-m", "rigs.cli", "gateway", str(folder / "site.yaml"), "--data", str(folder / "db")]
        with (folder / "log").open("w") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),  # noqa: PLW1509
            )
        try:
            while "gateway ready" not in (folder / "log").read_text():
                time.sleep(0.05)
            os.sched_setaffinity(0, {0})
            noise = Process(target=storm, args=(trap, STORM_RATE, SECONDS), daemon=True)
            if "storm" in path:
                noise.start()
                time.sleep(0.5)
            left = send(trap, source, rate, SECONDS - 1)
            if "storm" in path:
                noise.join()
            time.sleep(2)
            with urlopen(f"http://{api}/v1/journal", timeout=60) as answer:
                journal = json.load(answer)
            urlopen(f"http://127.0.0.1:{port}/stop", timeout=60).close()
            arrived = seen.get(timeout=30)
        finally:
            process.terminate()
            process.wait(timeout=60)
            receiver.terminate()
    missing = len(left) - len(arrived)
    if missing:
        print(f"  {missing} of {len(left)} did not arrive")
    return sorted((arrived[number] - left[number]) * 1000 for number in arrived), journal


def main() -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}, {REPEATS} rounds of {SECONDS:g} s")
    for path, target in TARGETS_MS.items():
        nineties = []
        for _ in range(REPEATS):
            delays, journal = measure(path)
            at = {share: delays[int(len(delays) * share / 100)] for share in (50, 99)}
            nineties.append(at[99])
            lost = sum(row["dropped_by_kernel"] for row in journal["listeners"])
            print(
                f"  {path}: median {at[50]:.1f} ms, p99 {at[99]:.1f} ms, most {delays[-1]:.1f} ms;"
                f" {journal['records']:,} records, {lost} dropped by the kernel"
            )
        met = "met" if statistics.median(nineties) <= target else "NOT met"
        print(f"{path}: p99 {statistics.median(nineties):.1f} ms, target {target}: {met}")


if __name__ == "__main__":
    main()
