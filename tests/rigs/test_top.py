from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.live import Live, running, sample


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(sample("a1080a-pair.yaml"), tmp_path_factory.mktemp("top"), "--speed", "10") as live:
        live.tell("city off")
        yield live


def test_one_look(rig: Live) -> None:
    said = rig.ridethrough("top", "--once")
    assert "Ridethrough" in said
    row = next(line for line in said.splitlines() if line.startswith("UPS1"))
    assert "input" in row
    assert "100 %" in row or "99 %" in row
    assert "ups.input.lost" in said
    document = json.loads(rig.ridethrough("top", "--json"))
    assert set(document) == {"devices", "destinations", "journal", "conditions", "controllers", "events"}


class Terminal:
    """The verb on a terminal of its own."""

    def __init__(self, rig: Live) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(rig.environment, TERM="xterm-256color", COLUMNS="120", LINES="40")
            os.execv(sys.executable, [sys.executable, "-m", "ridethrough", "top", "--every", "0.2"])
        self.shown = ""

    def until(self, part: str) -> None:
        while part not in self.shown:  # the test's own timeout bounds this
            self._read()

    def _read(self) -> bool:
        select.select([self._descriptor], [], [], 1)
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def type(self, key: str) -> None:
        os.write(self._descriptor, key.encode())

    def end(self) -> int:
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(status)


def test_the_screen_follows_and_q_gives_the_terminal_back(rig: Live) -> None:
    terminal = Terminal(rig)
    terminal.until("UPS1")
    rig.tell("server1.bmc fan_stop")
    terminal.until("bmc.")
    terminal.type("q")
    assert terminal.end() == 0
    assert terminal.shown.rstrip().endswith("\x1b[?1049l")  # the screen as it was before


def test_an_interrupt_ends_it_too(rig: Live) -> None:
    terminal = Terminal(rig)
    terminal.until("UPS1")
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.end() == 130


def test_nothing_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ridethrough", "top", "--once"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "RIDETHROUGH_URL": "http://127.0.0.1:1"},
        check=False,
    )
    assert done.returncode == 3
    assert "nothing answers at http://127.0.0.1:1" in done.stderr
