"""A rig in a process of its own, as a user runs it; and the foreign programs that meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"


class Live:
    """Addresses of a running rig, and its process."""

    def __init__(self, process: subprocess.Popen[str], document: dict[str, Any], http: str) -> None:
        self.process = process
        self.ports: dict[str, int] = document["ports"]
        self.document = document
        self.url = f"http://{http}"
        self.environment = {**os.environ, "RIDETHROUGH_URL": self.url}

    def card(self, name: str) -> str:
        return f"{self.document['ups'][name]['address']}:{self.ports['snmp']}"

    def bmc(self, server: str) -> list[str]:
        """Address options of ipmitool."""
        address = self.document["servers"][server]["bmc"]["address"]
        return ["-H", address, "-p", str(self.ports["ipmi"]), "-U", "admin", "-P", "admin"]

    @property
    def traps(self) -> str:
        return f"127.0.0.1:{self.ports['trap']}"

    def ridethrough(self, *words: str, expect: int = 0) -> str:
        """Run a client verb against this rig."""
        done = subprocess.run(
            [sys.executable, "-m", "ridethrough", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment,
            check=False,
        )
        assert done.returncode == expect, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def lab(self, what: str) -> dict[str, Any]:
        with urlopen(f"{self.url}/lab/v1/{what}", timeout=20) as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def world(self, place: str) -> dict[str, Any]:
        """The state of a device as the lab sees it."""
        state: dict[str, Any] = self.lab("world")["devices"][place]
        return state

    def wait(self, seconds: float) -> None:
        """Let that much of the rig's time pass."""
        end = self.lab("clock")["elapsed_s"] + seconds
        while self.lab("clock")["elapsed_s"] < end:  # the test's own timeout bounds this
            pass

    def until(self, place: str, right: Callable[[dict[str, Any]], bool], limit_s: float = 60) -> dict[str, Any]:
        """Look at a device until its state is right."""
        deadline = time.monotonic() + limit_s
        while not right(state := self.world(place)):
            assert time.monotonic() < deadline, state
        return state

    def tell_controller(self, name: str, word: str, *args: str) -> None:
        """Give a stand-in controller an input."""
        body = json.dumps({"input": word, "args": list(args)}).encode()
        place = f"{self.url}/lab/v1/controllers/{name}/inputs"
        urlopen(Request(place, body, {"content-type": "application/json"}), timeout=20).close()

    def tell(self, text: str) -> None:
        self.ridethrough("inject", *text.split())


def tool(*words: str, expect: int = 0, timeout: float = 60) -> str:
    """Run a foreign program and return what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, errors="replace")
    assert done.returncode == expect, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def sample(name: str) -> dict[str, Any]:
    """A sample rig on free ports, without controllers that would act beside the test."""
    document: dict[str, Any] = YAML(typ="safe", pure=True).load((SAMPLES / name).read_text())
    document["controllers"] = [row for row in document.get("controllers", ()) if row["type"] == "watch"]
    document["ports"] = {"snmp": free_port(), "trap": free_port(), "ipmi": free_port(), "echo": free_port()}
    document["ports"] |= {face: free_port() for face in ("http", "console")}
    return document


def american_sample() -> dict[str, Any]:
    """The pair with a recorded Smart-UPS 1500 XLM as UPS2, on mains `us` of 120 V, 60 Hz."""
    document = sample("a1080a-pair.yaml")
    document["mains"]["us"] = {"volts": 120, "hertz": 60}
    document["ups"]["UPS2"] |= {"profile": "smart-ups-1500-xlm", "mains": "us", "settings": {}}
    return document


def start(command: list[str], ready: str) -> tuple[subprocess.Popen[str], str]:
    """Start a process and wait for a line that contains `ready`; fail with its output when it ends first."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    text = ""
    while ready not in text:  # the test's own timeout bounds this
        line = process.stdout.readline()
        if not line:
            process.communicate()
            raise AssertionError(f"{command} ended without saying {ready!r}:\n{text}")
        text += line
    return process, text


def stop(process: subprocess.Popen[str]) -> None:
    """End a process in order, reading what it still says so that it cannot block."""
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@contextmanager
def running(document: dict[str, Any], folder: Path, *options: str) -> Iterator[Live]:
    """`ridethrough run` on a rig document."""
    rig = folder / "rig.yaml"
    with rig.open("w") as stream:
        YAML().dump(document, stream)
    http = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "ridethrough", "run", str(rig), "--http", http, *options]
    process, _ = start(command, "Ctrl-C stops it.")
    try:
        yield Live(process, document, http)
    finally:
        stop(process)
