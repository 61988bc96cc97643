"""What a reader does, step by step and timed: the README's `apt-get` line, `make run` twice, `make test`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fresh.debian import ROOT, WORK
from tests.fresh.guest import Guest, clone

CONSOLE = "http://127.0.0.1:8080/"
READY_S, AGAIN_S, SAID_S = 60, 3, 5
"""Most that the first `make run` may take, the second, and a refusal."""
UNTIL_S = 5400


@dataclass(frozen=True)
class Step:
    """One line of the log."""

    what: str
    seconds: float
    passed: bool
    detail: str = ""


class Doors:
    """The steps in one system; everything they print goes to one file."""

    def __init__(self, system: Guest, log: Path) -> None:
        self._system = system
        self._log = log

    def _run(self, line: str, *, user: str | None = None) -> tuple[int, float, str]:
        """Status, seconds and output of a line of shell."""
        begun = time.monotonic()
        done = subprocess.run(
            self._system.command(line, user=user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=UNTIL_S,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        with self._log.open("a") as log:
            log.write(f"$ {line}\n{text}\n")
        return done.returncode, time.monotonic() - begun, text

    def prerequisites(self) -> Iterator[Step]:
        """The one line of the README, then the clone that it made possible."""
        (line,) = re.findall(r"^apt-get install .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
        status, seconds, text = self._run(
            f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive {line} -y -qq", user="root"
        )
        yield Step(f"`{line}`", seconds, status == 0, text[-300:] if status else "")
        clone(self._system)
        _, _, version = self._run("python3 --version")
        yield Step("`git clone`", 0, passed=True, detail=version.strip())

    def run(self) -> Iterator[Step]:
        """`make run`, stopped and begun again. A user who may not bind low ports is told, and takes the advice."""
        line = "make run"
        if self._system.user != "root":
            status, seconds, text = self._run(line)
            advice = re.search(r"^    (make run \S+)", text, re.MULTILINE)
            told = status != 0 and advice is not None and seconds < SAID_S
            yield Step("`make run` says what is in the way", seconds, told, advice[1] if advice else text[-300:])
            if advice is None:
                return
            line = advice[1]
        yield self._up(line, READY_S, "is ready")
        yield self._up(line, AGAIN_S, "is ready again")

    def _up(self, line: str, limit_s: float, what: str) -> Step:
        """From the start to the first answer of the console; then it must end in order."""
        begun = time.monotonic()
        with self._log.open("ab") as log:
            log.write(f"$ {line}\n".encode())
            log.flush()
            outer = subprocess.Popen(self._system.command(line), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            ready = self._system.answers(CONSOLE, outer)
            seconds = time.monotonic() - begun
            if not ready:
                return Step(f"`{line}` {what}", seconds, passed=False, detail=f"ended, status {outer.wait()}")
            os.kill(_program(outer.pid), signal.SIGTERM)
            status = outer.wait(timeout=60)
        in_order = "stopped" if status == 0 else f"status {status} when stopped"
        return Step(f"`{line}` {what}", seconds, seconds <= limit_s and status == 0, in_order)

    def test(self) -> Iterator[Step]:
        """`make test`; a user is told first what root has to install, and root does exactly that."""
        if self._system.user != "root":
            status, seconds, text = self._run("make test")
            line = re.search(r"^    (apt-get .*)$", text, re.MULTILINE)
            told = status != 0 and line is not None and seconds < SAID_S
            yield Step("`make test` says what is missing", seconds, told, "" if line else text[-300:])
            if line is not None:
                status, seconds, _ = self._run(f"export DEBIAN_FRONTEND=noninteractive; {line[1]}", user="root")
                yield Step("that line, as root", seconds, status == 0)
        status, seconds, text = self._run("make test")
        counts = re.findall(r"=+ (.*(?:passed|failed|error).*?) in [\d.]+s.*=|^(\d+ passed.*?) in ", text, re.MULTILINE)
        yield Step("`make test`", seconds, status == 0, "; ".join(one or other for one, other in counts))

    def steps(self, wanted: list[str]) -> Iterator[Step]:
        """Those asked for, behind what each needs."""
        yield from self.prerequisites()
        doors: dict[str, Callable[[], Iterator[Step]]] = {"run": self.run, "test": self.test}
        for name, door in doors.items():
            if name in wanted:
                yield from door()


def _program(ancestor: int) -> int:
    """The process of Ridethrough among the descendants of another."""
    generation = [ancestor]
    while generation:
        for process in generation:
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if any(word.endswith(b"bin/ridethrough") for word in words[:2]):
                return process
        lists = [Path(f"/proc/{process}/task/{process}/children").read_text() for process in generation]
        generation = [int(number) for text in lists for number in text.split()]
    sys.exit("there is no process of ridethrough")


def log_of(suite: str, user: str) -> Path:
    """Where everything that the steps print goes; empty at first."""
    path = WORK / f"{suite}-{user}.log"
    path.write_text("")
    return path
