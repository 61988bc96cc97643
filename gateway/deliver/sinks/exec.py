"""A program run for each event, such as CLUSTERPRO's `clprexec --notice`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ridethrough.gateway.config.base import Seconds
from ridethrough.gateway.deliver.sinks.base import (
    Delivered,
    EventPattern,
    Outcome,
    Reject,
    Retry,
    Sink,
    SinkConfig,
    SinkContext,
)
from ridethrough.gateway.deliver.templates import Template, filled
from ridethrough.gateway.records import Event

MAX_STDERR = 200


class ExecConfig(SinkConfig):
    """Run a program for each event, without a shell. Exit status 0 means taken."""

    type: Literal["exec"]
    argv: tuple[Template, ...] = Field(min_length=1)
    """The program by its path, and its arguments; `{subject}`, `{data.server}` and the like are filled in."""
    types: tuple[EventPattern, ...] = ("bmc.notice",)
    """Types of events it is run for."""
    timeout_s: Seconds = 180

    def build(self, context: SinkContext) -> Sink:
        """The sink; no process runs before its first event."""
        return ExecSink(self.argv, self.timeout_s)


class ExecSink:
    """`argv` is a template; no shell sees it. Exit status 0 is success, every other one is tried again."""

    lanes = 1

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        self._argv = argv
        self._timeout_s = timeout_s

    async def deliver(self, event: Event) -> Outcome:
        """Run the program and wait for its end, at most `timeout_s`."""
        try:
            argv = [filled(part, event) for part in self._argv]
        except KeyError as error:
            return Reject(f"the event has no {error.args[0]}")
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            return Retry(f"{argv[0]}: {error}")
        try:
            async with asyncio.timeout(self._timeout_s):
                _, stderr = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return Retry(f"{argv[0]}: still running after {self._timeout_s:g} s, ended")
        if process.returncode == 0:
            return Delivered()
        reason = stderr.decode("utf-8", "replace").strip().replace("\n", " ")[:MAX_STDERR]
        return Retry(f"{argv[0]}: exit status {process.returncode}{': ' + reason if reason else ''}")

    async def close(self) -> None:
        """Nothing is held open."""


SINK = ExecConfig
