"""check_snmp of the monitoring plugins, which asks a card, and fence_apc_snmp, which must find that it is no PDU."""

from __future__ import annotations

import os
import subprocess

from tests.support.clients import find
from tests.support.live import Live

STATUS = "1.3.6.1.4.1.318.1.1.1.4.1.1.0"


def check(pair: Live, version: str, oid: str, *limits: str) -> tuple[int, str]:
    host, port = pair.card("UPS1").split(":")
    words = [str(find("check_snmp")), "-H", host, "-p", port, "-C", "public", "-P", version, "-o", oid, *limits]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_check_snmp_reads_and_judges(pair: Live) -> None:
    for version in ("1", "2c"):
        assert check(pair, version, STATUS, "-c", "2:2") == (0, f"SNMP OK - 2 | iso.{STATUS[2:]}=2;;2:2 \n")
    assert check(pair, "2c", "1.3.6.1.4.1.318.1.1.1.2.2.1.0", "-w", "101:")[0] == 1
    assert check(pair, "1", "1.3.6.1.4.1.318.1.1.1.99.0")[0] == 3


def test_fence_apc_snmp_fails_cleanly(pair: Live) -> None:
    host, port = pair.card("UPS1").split(":")
    words = [
        "/usr/bin/python3",
        str(find("fence_apc_snmp")),
        "--ip",
        host,
        "--ipport",
        port,
        "-c",
        "public",
        "-d",
        "1",
        "-n",
        "1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(find("fencing.py").parent)}
    done = subprocess.run(
        [*words, "-o", "status"], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert done.returncode == 1
    assert "noSuchName" in done.stderr  # the outlets of a PDU, which a UPS does not have
    assert "Traceback" not in done.stderr
