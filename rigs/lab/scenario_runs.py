"""Scenarios that are run from the console: each in a process of its own, beside the rig that is watched."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec
import structlog

from ridethrough.gateway.api import Refusal
from ridethrough.rigs.clock import Speed
from ridethrough.rigs.rigfile.bundled import FOLDERS, close_names

log = structlog.get_logger("scenario runs")

KEPT = 8  # finished runs
LONGEST_LINE = 1 << 20
ERROR_LINES = 20  # of a process that failed
State = Literal["running", "held", "failed", "broken", "stopped"]
"""`held` and `failed` are verdicts; `broken` means that there was none, and the last line has the reason."""


class ScenarioRun:
    """One run of a scenario: its lines so far, and the files of its reports."""

    def __init__(self, number: int, scenario: str, speed: Speed, folder: Path) -> None:
        self.number = number
        self.scenario = scenario
        self.speed = speed
        self.state: State = "running"
        self.lines: list[dict[str, Any]] = []
        self.reports = {"html": folder / f"{number}.html", "xml": folder / f"{number}.xml"}
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def add(self, line: dict[str, Any]) -> None:
        """Append a line, and wake those that wait for more."""
        self.lines.append(line)
        self.wake()

    def wake(self) -> None:
        """Set `changed`, and replace it for those that wait next."""
        self.changed.set()
        self.changed = asyncio.Event()

    def shown(self, after: int) -> dict[str, Any]:
        """Return the run as JSON has it, with the lines behind the first `after`."""
        return {
            "id": self.number,
            "scenario": self.scenario,
            "speed": self.speed,
            "state": self.state,
            "lines": self.lines[after:],
            "next": len(self.lines),
        }


class ScenarioRuns:
    """Runs scenarios of a folder, one at a time, and keeps the last runs."""

    def __init__(self, folder: Path = FOLDERS["scenario"]) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        self._numbers = count(1)
        self._runs: dict[int, ScenarioRun] = {}
        self._reports: TemporaryDirectory[str] | None = None

    def listed(self) -> list[dict[str, str]]:
        """Return name and title of every scenario, in the order of their names."""
        return [{"name": name, "title": _title(path)} for name, path in self._files.items()]

    @property
    def running(self) -> ScenarioRun | None:
        """The run in progress; None between runs."""
        return next((run for run in self._runs.values() if run.state == "running"), None)

    def get(self, number: int) -> ScenarioRun:
        """Return a run that is kept. Raises Refusal 404."""
        run = self._runs.get(number)
        if run is None:
            raise Refusal(404, f"there is no run {number}; kept: {', '.join(map(str, self._runs)) or 'none'}")
        return run

    def start(self, name: str, speed: Speed) -> ScenarioRun:
        """Begin a run. Raises Refusal 404 for an unknown name and 409 while another one runs."""
        file = self._files.get(name)
        if file is None:
            close = close_names(name, list(self._files)) or list(self._files)
            raise Refusal(404, f"there is no scenario {name!r}; accepted: {', '.join(close)}")
        if (other := self.running) is not None:
            raise Refusal(409, f"{other.scenario} is still running, as run {other.number}")
        if self._reports is None:
            self._reports = TemporaryDirectory(prefix="ridethrough-runs-")
        run = ScenarioRun(next(self._numbers), name, speed, Path(self._reports.name))
        self._runs[run.number] = run
        for number in list(self._runs)[:-KEPT]:
            for report in self._runs.pop(number).reports.values():
                report.unlink(missing_ok=True)
        run.task = asyncio.create_task(_perform(run, file), name=f"run {run.number}")
        return run

    async def stop(self, run: ScenarioRun) -> None:
        """End a run before its end; one that has ended stays as it is."""
        if run.task is not None and run.state == "running":
            run.task.cancel()
            with suppress(asyncio.CancelledError):
                await run.task

    async def close(self) -> None:
        """End everything and forget the reports."""
        if self.running is not None:
            await self.stop(self.running)
        if self._reports is not None:
            self._reports.cleanup()


def _title(path: Path) -> str:
    """Without reading all of the file's YAML: there are many of them."""
    found = re.search(r"^title:\s*(.+?)\s*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip("\"'") if found else ""


async def _perform(run: ScenarioRun, file: Path) -> None:
    reports = ("--html", str(run.reports["html"]), "--junit", str(run.reports["xml"]))
    options = ("--ports", "free", "--speed", str(run.speed), "--json-lines", *reports)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ridethrough",
        "replay",
        str(file),
        *options,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    state: State = "broken"
    try:
        errors, held = await asyncio.gather(_errors(process), _lines(process, run))
        await process.wait()
        if held is not None:
            state = "held" if held else "failed"
        else:
            run.add({"kind": "error", "text": errors or f"the run ended with status {process.returncode}"})
    except asyncio.CancelledError:
        state = "stopped"
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        log.info("run ended", scenario=run.scenario, state=state)
        run.state = state
        run.wake()


async def _lines(process: asyncio.subprocess.Process, run: ScenarioRun) -> bool | None:
    """Collect what is printed; return whether all expectations held, None when there was no verdict."""
    held: bool | None = None
    if process.stdout is None:  # it is a pipe
        return None
    async for text in process.stdout:
        line = msgspec.json.decode(text)
        run.add(line)
        if line["kind"] == "end":
            held = line["held"]
    return held


async def _errors(process: asyncio.subprocess.Process) -> str:
    if process.stderr is None:  # it is a pipe
        return ""
    text = (await process.stderr.read()).decode(errors="replace")
    return "\n".join(text.strip().splitlines()[-ERROR_LINES:])
