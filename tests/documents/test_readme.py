"""The README's own list of commands: each works whenever a reader comes to it, whatever came before.

The rig of `make run` runs twenty times as fast, on its own ports in a network of its own; between two commands minutes
of its time go by.
"""

from __future__ import annotations

import json
import os
import pty
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.clients import find
from tests.support.walk import ROOT, blocks

SPEED = 20
PAUSES_S = (45, 240)  # of the rig's time, which a reader lets pass
LIMIT_S = 60
SEED = int(os.environ.get("README_SEED", "22"))
ADDRESS = "http://127.0.0.1:8080"


class Shown(NamedTuple):
    """What a command of the list shows when it works, and what ends it where it stays."""

    words: str
    keys: str = ""
    ends: bool = True


WORKING = {  # by the beginning of the command
    "snmpget": Shown(r"INTEGER: [23]\b"),
    "ipmitool .* chassis status": Shown(r"System Power +: (on|off)"),
    "telnet": Shown(r"User Name :"),
    "ipmitool .* sol activate": Shown(r"SOL Session operational", keys="~.", ends=False),
    r".venv/bin/ridethrough events --follow": Shown(r"", ends=False),
    r".venv/bin/ridethrough inject city off": Shown(r"city: off"),
    r".venv/bin/ridethrough inject city on": Shown(r"city: on"),
    r".venv/bin/ridethrough inject server1.bmc": Shown(r"server1\.bmc: memory_uncorrectable"),
    r".venv/bin/ridethrough command": Shown(r"done: "),
    r".venv/bin/ridethrough replay": Shown(r"ok +C1: (\d+) of \1 expectations held"),
}


def listed() -> list[str]:
    """The commands of the block that is pasted beside the running rig."""
    texts = [block.text for block in blocks(ROOT / "README.md") if block.language == "sh"]
    (text,) = [text for text in texts if "inject city off" in text]
    return [line.partition("#")[0].strip() for line in text.splitlines()]


def shown_by(command: str) -> Shown:
    (found,) = [shown for beginning, shown in WORKING.items() if re.match(beginning, command)]
    return found


def test_the_list_is_known_here_line_by_line() -> None:
    commands = listed()
    assert len(commands) == len(set(commands)) == len(WORKING)
    assert [shown_by(command) for command in commands]


class Reader:
    """Somebody with a terminal beside a rig, in a network that only these two have."""

    def __init__(self, namespace: Path, path: str) -> None:
        self._front = ["nsenter", f"--net={namespace}"]
        self._environment = {**os.environ, "PATH": path, "TERM": "xterm"}

    def popen(self, words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._front, *words], cwd=ROOT, env=self._environment, **more)

    def paste(self, command: str) -> str:
        """What a command shows on a terminal, up to what says that it works; then it is left."""
        shown = shown_by(command)
        master, slave = pty.openpty()
        process = self.popen(["bash", "-c", f"exec {command}"], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        text = ""
        deadline = time.monotonic() + (LIMIT_S if shown.words else 2)
        try:
            while not (shown.words and re.search(shown.words, text)):
                if time.monotonic() > deadline:
                    assert not shown.words, f"{command}: {shown.words!r} was not shown:\n{text}"
                    break
                if select.select([master], [], [], 0.2)[0]:
                    try:
                        text += os.read(master, 65536).decode(errors="replace")
                    except OSError:  # it has ended
                        break
            assert re.search(shown.words, text), f"{command}: {shown.words!r} was not shown:\n{text}"
            if shown.keys:
                os.write(master, shown.keys.encode())
            elif not shown.ends:
                assert process.poll() is None, f"{command} ended by itself:\n{text}"
            if command.startswith("telnet") or not shown.ends:
                process.terminate()
                process.wait(timeout=LIMIT_S)
            else:
                assert process.wait(timeout=LIMIT_S) == 0, text
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(master)
        return text

    def elapsed_s(self) -> float:
        code = f"import urllib.request; print(urllib.request.urlopen('{ADDRESS}/lab/v1/clock', timeout=20).read().decode())"
        done = subprocess.run(
            [*self._front, sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
        return float(json.loads(done.stdout)["elapsed_s"])

    def pause(self, seconds: float) -> None:
        end = self.elapsed_s() + seconds
        while self.elapsed_s() < end:  # the test's own timeout bounds this
            pass


@contextmanager
def network() -> Iterator[Path]:
    """A network with a loopback and nothing else, as long as a process of ours lives in it."""
    begin = f"{find('ip')} link set lo up && echo up && exec sleep infinity"
    words = ["unshare", "--net", "sh", "-c", begin]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        try:
            yield Path(f"/proc/{holder.pid}/ns/net")
        finally:
            holder.kill()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "telnet").symlink_to(find("inetutils-telnet"))
    with network() as namespace:
        reader = Reader(namespace, f"{tmp_path}:{os.environ['PATH']}")
        (rig,) = re.findall(r"^RIG \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        words = [".venv/bin/ridethrough", "run", rig, "--ports", "file", "--speed", str(SPEED)]
        with reader.popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            text = b""
            while b"Ctrl-C stops it." not in text:
                line = process.stdout.readline()
                assert line, text.decode()
                text += line
            try:
                yield reader
            finally:
                process.terminate()
                process.communicate(timeout=30)


def orders() -> dict[str, list[str]]:
    """As it stands, with the worst first, and one by chance."""
    commands = listed()
    chance = random.Random(SEED)
    breaking = [command for command in commands if re.search("inject|output", command) and "city on" not in command]
    return {
        "as it stands": commands,
        "what breaks first": [*breaking, *(command for command in commands if command not in breaking)],
        "by chance": chance.sample(commands, len(commands)),
    }


@pytest.mark.timeout(400)
@pytest.mark.parametrize("order", orders())
def test_the_list_works_in_any_order(order: str, reader: Reader) -> None:
    chance = random.Random(f"{SEED} {order}")
    done: list[str] = []
    for command in orders()[order]:
        try:
            reader.paste(command)
        except AssertionError as error:
            raise AssertionError(f"after {done}: {error}") from None
        done.append(command)
        reader.pause(chance.uniform(*PAUSES_S))
