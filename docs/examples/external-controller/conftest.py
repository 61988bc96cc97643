"""The controller under test, in a process of its own, as it runs in the field."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from ridethrough import Rig

PROGRAM = Path(__file__).with_name("shed.py")


@pytest_asyncio.fixture
async def controller(rig: Rig) -> AsyncIterator[Process]:
    """`shed.py`, told where the rig's gateway and card are, once it listens."""
    words = ["--url", rig.url, "--ups", "UPS1", "--card", str(rig.snmp("UPS1")), "--bmc", "server1.bmc"]
    patience = ["--least-s", "1800", "--every-s", "0.1"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, *words, *patience, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    while b"listening" not in (line := await process.stdout.readline()):
        assert line, "the controller ended before it listened"
    try:
        yield process
    finally:
        process.terminate()
        output, _ = await process.communicate()
        print(output.decode())  # pytest shows it with a failure
