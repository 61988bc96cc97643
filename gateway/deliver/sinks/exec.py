"""A program run for each event, such as CLUSTERPRO's `clprexec --notice`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ridethrough.gateway.deliver.sinks import DONE, Outcome, give_up, retry
from ridethrough.gateway.deliver.templates import filled
from ridethrough.gateway.records import Event

MOST_SAID = 200


class ExecSink:
    """`argv` is a template; no shell sees it. Exit status 0 is success, every other one is tried again."""

    lanes = 1

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        self._argv = argv
        self._timeout_s = timeout_s

    async def deliver(self, event: Event) -> Outcome:
        try:
            argv = [filled(part, event) for part in self._argv]
        except KeyError as error:
            return give_up(f"the event has no {error.args[0]}")
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            return retry(f"{argv[0]}: {error}")
        try:
            async with asyncio.timeout(self._timeout_s):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return retry(f"{argv[0]}: still running after {self._timeout_s:g} s, ended")
        if process.returncode == 0:
            return DONE
        words = said.decode("utf-8", "replace").strip().replace("\n", " ")[:MOST_SAID]
        return retry(f"{argv[0]}: exit status {process.returncode}{': ' + words if words else ''}")

    async def close(self) -> None:
        """Nothing is held open."""
