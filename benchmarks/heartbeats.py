"""A gateway that asks ten thousand BMCs every three seconds: `make bench-heartbeats`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from ruamel.yaml import YAML

from benchmarks.bmc import processor_s, ridethrough
from ridethrough.rigs.rigfile.ports import free_port

COUNT = 10_000
INTERVAL_S = 3
SECONDS = 30.0


def site(folder: Path, port: int, http: str, probe: str) -> Path:
    """A site of BMCs and nothing else."""
    devices = {
        f"server{index}.bmc": {
            "kind": "bmc",
            "address": f"127.4.{index // 250}.{index % 250 + 1}",
            "port": port,
            "password": "admin",
            "heartbeat": {"interval_s": INTERVAL_S, "timeout_s": 9, "probe": probe},
        }
        for index in range(COUNT)
    }
    path = folder / f"site-{probe}.yaml"
    with path.open("w") as stream:
        listen = [{"address": "127.0.0.1", "port": free_port()}]
        YAML().dump({"devices": devices, "listen": listen, "api": {"bind": http}}, stream)
    return path


def measure(folder: Path, port: int, probe: str) -> str:
    """Share of a core, and how many of the BMCs were lost."""
    http = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "ridethrough", "gateway", str(site(folder, port, http, probe))]
    with (folder / f"gateway-{probe}").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        time.sleep(3 * INTERVAL_S)
        before, begun = processor_s(process.pid), time.monotonic()
        time.sleep(SECONDS)
        share = (processor_s(process.pid) - before) / (time.monotonic() - begun)
        with urlopen(f"http://{http}/v1/events?last=1000", timeout=20) as answer:
            lost = answer.read().count(b"bmc.heartbeat.lost")
    finally:
        process.terminate()
        process.wait(timeout=30)
    return f"{probe}: {share:.1%} of a core, {lost} of {COUNT:,} counted as lost"


def main() -> None:
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with tempfile.TemporaryDirectory() as name, ridethrough(Path(name), COUNT) as peer:
        print(f"{COUNT:,} BMCs every {INTERVAL_S} s")
        for probe in ("presence", "login"):
            print(f"  {measure(Path(name), peer.address[1], probe)}; emulators {processor_s(peer.pid):.0f} s so far")


if __name__ == "__main__":
    main()
