"""Run a scenario: one process, one loop, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from gateway.records import CommandState
from mibs import MibTree
from rigs.loops import Clock, Speed, run
from rigs.rigfile import PortChoice, load_rig
from rigs.runtime import GatewayProcess, assemble
from rigs.scenario import Scenario, Seen, SeenCommand, SeenEvent, SeenState, Step, Verdict, judge

# With `max` two runs must give the same bytes, so the calendar starts at the same moment each time.
FIXED_START_S = 1_767_225_600  # 2026-01-01 00:00 UTC
PAGE = 1000
ANY_PORT = "127.0.0.1:0"

DEADLINE_S = 600.0  # of a scenario's commands


class Report(NamedTuple):
    """A finished run."""

    scenario: Scenario
    seen: Seen
    verdicts: list[Verdict]

    @property
    def held(self) -> bool:
        return all(verdict.held for verdict in self.verdicts)


Progress = Callable[[float, str], None]


def replay(
    scenario: Scenario, tree: MibTree, speed: Speed, ports: PortChoice, progress: Progress | None = None
) -> Report:
    """Run `scenario` from its start to its end.

    `progress(at_s, words)` hears of every step done. Raises FileError, BindError, ListenError and InputError.
    """
    seen = run(_replay(scenario, tree, speed, ports, progress or (lambda _at, _words: None)), speed)
    return Report(scenario, seen, judge(scenario, seen))


async def _replay(scenario: Scenario, tree: MibTree, speed: Speed, ports: PortChoice, progress: Progress) -> Seen:
    rig = load_rig(scenario.rig, ports)
    clock = Clock(FIXED_START_S)
    process = assemble(rig, tree, clock, speed, bind=ANY_PORT)
    stage = _Stage(process, clock)
    await process.start()
    try:
        stage.observe()
        actions = sorted((step for step in scenario.timeline if step.expect is None), key=lambda step: step.at or 0)
        for step in actions:
            await stage.until(step.at or 0)
            progress(step.at or 0, step.words)
            await stage.perform(step)
        await stage.until(scenario.end_s)
        return await stage.seen()
    finally:
        await process.stop()


class _Stage:
    """The rig as the scenario sees it, with a stopwatch."""

    def __init__(self, process: GatewayProcess, clock: Clock) -> None:
        if process.emulators is None:
            raise ValueError("a scenario needs emulators")
        self._emulators = process.emulators
        self._gateway = process.gateway
        self._clock = clock
        self._start_ms = clock.unix_ms()
        self._last: dict[str, dict[str, Any]] = {}
        self._states: list[SeenState] = []
        self._commands: dict[str, float] = {}
        self._emulators.watch(self.observe)

    def _elapsed_s(self) -> float:
        return (self._clock.unix_ms() - self._start_ms) / 1000

    def observe(self) -> None:
        """Note what has changed."""
        at_s = self._elapsed_s()
        for name, state in self._emulators.snapshot().items():
            if self._last.get(name) != state:
                self._last[name] = state
                self._states.append(SeenState(at_s, name, state))

    async def until(self, at_s: float) -> None:
        """Wait for a mark of the scenario."""
        await asyncio.sleep(max(0.0, at_s - self._elapsed_s()))

    async def perform(self, step: Step) -> None:
        if step.do is not None:
            place, name, *args = step.do.split()
            self._emulators.inject(place, name, args)
        elif step.command is not None and step.device is not None:
            command, _ = await self._gateway.submit(step.device, step.command, step.params, "", DEADLINE_S, "scenario")
            self._commands[command.id] = self._elapsed_s()

    async def seen(self) -> Seen:
        """Everything, once the run is over."""
        events: list[SeenEvent] = []
        after = ""
        while page := await self._gateway.events(after, PAGE):
            after = page[-1].id
            events += [
                SeenEvent(self._event_s(event.time), event.id, event.type, event.subject, event.data) for event in page
            ]
        commands = []
        for command_id, started_s in self._commands.items():
            command = await self._gateway.command(command_id)
            ended = command.ended_ms
            at_s = started_s if ended is None else (ended - self._start_ms) / 1000
            state = command.state if ended is not None else CommandState.RUNNING
            commands.append(SeenCommand(at_s, command.device, command.command, state.value, command.result))
        return Seen(events, self._states, commands)

    def _event_s(self, time: str) -> float:
        return (round(datetime.fromisoformat(time).timestamp() * 1000) - self._start_ms) / 1000
