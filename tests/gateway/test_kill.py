"""kill -9 of the gateway while informs pour in: what was acknowledged is delivered."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support.live import free_port, start, stop

INFORMS = 2000
KILL_AFTER = 600
SENDERS = 4


def inform(port: int, number: int, repeats: int = 0) -> bool:
    """Send one inform; True when it was acknowledged."""
    command = ["snmpinform", "-v2c", "-c", "public", "-r", str(repeats), "-t", "0.5", f"127.0.0.1:{port}", ""]
    command += ["1.3.6.1.4.1.99999.0.1", "1.3.6.1.4.1.99999.1", "i", str(number)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.timeout(300)
def test_every_acknowledged_inform_is_delivered(tmp_path: Path) -> None:
    trap, delivered = free_port(), tmp_path / "events.jsonl"
    site = {
        "name": "kill",
        "listen": [{"address": "127.0.0.1", "port": trap}],
        "sinks": {"log": {"type": "file", "path": str(delivered)}},
        "api": {"bind": f"127.0.0.1:{free_port()}"},
    }
    with (tmp_path / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    command = [sys.executable, "-m", "rigs.cli", "gateway", str(tmp_path / "site.yaml"), "--data", str(tmp_path / "db")]

    def begin() -> subprocess.Popen[str]:
        return start(command, "gateway ready")[0]

    gateway = begin()
    acknowledged: list[int] = []
    killed = False
    with ThreadPoolExecutor(SENDERS) as pool:
        for number, good in enumerate(pool.map(lambda item: inform(trap, item), range(INFORMS))):
            if good:
                acknowledged.append(number)
            if not killed and len(acknowledged) >= KILL_AFTER:
                killed = True
                gateway.kill()
                gateway.communicate()
                gateway = begin()
    try:
        # One more, so that the end of the delivery can be seen in the file; it may wait for a slow disk.
        assert inform(trap, INFORMS, repeats=20)
        seen: list[int] = []
        while INFORMS not in seen:  # the test's own timeout bounds this
            seen = [
                variable["value"]
                for line in delivered.read_text().splitlines()
                for variable in json.loads(line)["data"]["evidence"].get("variables", [])
            ]
    finally:
        stop(gateway)
    assert killed
    assert len(acknowledged) >= KILL_AFTER
    assert set(acknowledged) <= set(seen)
    ids = [json.loads(line)["id"] for line in delivered.read_text().splitlines()]
    assert len(ids) - len(set(ids)) <= 1  # the one under way at the kill may come twice
