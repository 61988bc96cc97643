"""Run a scenario: one process, one loop, at any speed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.gateway.api import Refusal
from ridethrough.gateway.backend import GatewayBackend
from ridethrough.gateway.records import CommandState, Event
from ridethrough.mibs import MibTree
from ridethrough.rigs.clock import Clock, Speed, run
from ridethrough.rigs.controllers.client import Note
from ridethrough.rigs.rigfile.ports import PortChoice
from ridethrough.rigs.rigfile.schema import RigFile, load_rig
from ridethrough.rigs.rigfile.yaml import FileError
from ridethrough.rigs.runtime import GATEWAY, GatewayProcess, assemble
from ridethrough.rigs.scenario.breakages import breakages
from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.probes import ProbeError, ProbeTarget, ask
from ridethrough.rigs.scenario.proof import Names
from ridethrough.rigs.scenario.seen import (
    Seen,
    SeenAnswer,
    SeenCommand,
    SeenEvent,
    SeenNote,
    SeenOrder,
    SeenState,
)
from ridethrough.rigs.scenario.step import Step
from ridethrough.rigs.scenario.verdicts import Verdict, judge

PAGE = 1000
ANY_PORT = "127.0.0.1:0"

QUICK = Path("/dev/shm")  # noqa: S108  # in memory, where there is such a place: a journal is synced at every commit
SLACK_S = 0.1  # of the wall clock, by which a machine may be late where time does not wait for it
DEADLINE_S = 600.0  # of a scenario's commands


def outlives(words: str) -> bool:
    """Return True for an action that a journal must outlive."""
    return words.split()[:1] == [GATEWAY]


@contextmanager
def journal_folder(*, needed: bool) -> Iterator[Path | None]:
    """A folder for a journal, for the length of a run in which the gateway is killed; None where it is not `needed`."""
    if not needed:
        yield None
        return
    with TemporaryDirectory(prefix="ridethrough-journal-", dir=QUICK if os.access(QUICK, os.W_OK) else None) as folder:
        yield Path(folder)


class Report(NamedTuple):
    """A finished run."""

    scenario: Scenario
    rig: RigFile
    seen: Seen
    verdicts: list[Verdict]

    @property
    def held(self) -> bool:
        """True when every expectation held."""
        return all(verdict.held for verdict in self.verdicts)


Progress = Callable[[float, str], None]
Watch = Callable[[SeenEvent | SeenOrder | SeenNote], None]


def replay(
    scenario: Scenario,
    tree: MibTree,
    speed: Speed,
    ports: PortChoice,
    progress: Progress | None = None,
    data: Path | None = None,
    watch: Watch | None = None,
) -> Report:
    """Run `scenario` from its start to its end; its journal is kept in `data` when that is given.

    What breaks in the rig itself is a failure. Where time is real, everything may come a tenth of a second of the wall
    clock earlier or later.
    `progress(at_s, words)` hears of every step done, and with empty words of seconds that pass; `watch` of every event,
    order and note when it is seen.

    Raises FileError, BindError, ListenError.
    """
    rig = load_rig(scenario.rig, ports, scenario.patch)
    show = progress or (lambda _at, _words: None)
    needed = any(outlives(step.do or "") for step in scenario.timeline)
    with journal_folder(needed=needed) as journal, breakages() as broken:
        seen = run(_replay(scenario, rig, tree, speed, show, data, watch, journal), speed)
    slack_s = 0.0 if speed == "max" else SLACK_S * speed
    return Report(scenario, rig, seen, judge(scenario, seen, slack_s) + [_broken(scenario, line) for line in broken])


def _broken(scenario: Scenario, line: str) -> Verdict:
    """A verdict on something that broke in the rig itself, which no scenario expects."""
    step = Step(between=(0, scenario.end_s), expect="no note", mark="failure of the rig itself")
    return Verdict(step, False, line)


async def _replay(
    scenario: Scenario,
    rig: RigFile,
    tree: MibTree,
    speed: Speed,
    progress: Progress,
    data: Path | None,
    watch: Watch | None,
    journal: Path | None,
) -> Seen:
    # With `max` two runs must give the same bytes, so the calendar starts at the same moment each time.
    clock = Clock(datetime.fromisoformat(scenario.start).timestamp() - scenario.lead_s)
    process = assemble(rig, tree, clock, speed, data=data, bind=ANY_PORT, faces=scenario.faces, journal=journal)
    if problems := scenario.unknown_names(_names_of(process, rig)):
        raise FileError(problems)
    await process.start()
    beside: list[asyncio.Task[None]] = []
    try:
        session = ScenarioSession(process, rig, tree, clock, scenario.rig.parent)
        await asyncio.sleep(scenario.lead_s)
        session.begin()
        if watch is not None:
            session.watch = watch
            beside.append(asyncio.create_task(session.follow(), name="follow"))
        actions = sorted(
            ((index, step) for index, step in enumerate(scenario.timeline) if step.expect is None),
            key=lambda item: item[1].at or 0,
        )
        if speed != "max":
            beside.append(asyncio.create_task(_tick(session, progress), name="tick"))
        for index, step in actions:
            await session.until(step.at or 0)
            progress(step.at or 0, step.words)
            await session.perform(index, step)
        await session.until(scenario.end_s)
        return await session.seen()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await process.stop()


def _names_of(process: GatewayProcess, rig: RigFile) -> Names:
    backend, plant = process.gateway.backend, process.emulators
    rules = [rule.event for rule in process.site.rules if rule.event is not None]
    segments = [hub for device in process.site.devices.values() if (hub := getattr(device, "behind", None))]
    return Names(
        {} if plant is None else {name: list(device.inputs.help) for name, device in plant.devices.items()},
        {status.id: status.commands for status in backend.devices()},
        segments,
        [*backend.event_types(), *rules],
        [controller.name for controller in rig.controllers],
    )


async def _tick(session: ScenarioSession, progress: Progress) -> None:
    """Report the time once a second, where it does not jump."""
    while True:
        await asyncio.sleep(1)
        progress(session.elapsed_s(), "")


class ScenarioSession:
    """A running rig for a scenario or a test: its time, actions, and records of what it shows."""

    def __init__(self, process: GatewayProcess, rig: RigFile, tree: MibTree, clock: Clock, folder: Path) -> None:
        if process.emulators is None:
            raise ValueError("a scenario needs emulators")
        self._process = process
        self._emulators = process.emulators
        self._controllers = process.controllers
        self._target = ProbeTarget(
            rig, tree, folder, process.url, process.controllers, process.headers, process.site.api.tls
        )
        self._clock = clock
        self._start_ms = clock.unix_ms()
        self._last: dict[str, dict[str, Any]] = {}
        self._states: list[SeenState] = []
        self._orders: list[SeenOrder] = []
        self._notes: list[SeenNote] = []
        self._answers: list[SeenAnswer] = []
        self._restarted = asyncio.Event()
        self._followed = ""
        self.moved = asyncio.Event()
        """Set by every new state, order and note, and by every event while `follow` runs."""
        self.transcript: list[SeenEvent | SeenOrder | SeenNote] = []
        """Everything seen, in the order in which it was; events only while `follow` runs."""
        self.watch: Watch = lambda _item: None

    @property
    def _backend(self) -> GatewayBackend:
        """That of the gateway which runs now, or ran last."""
        return self._process.gateway.backend

    def begin(self) -> None:
        """Time 0 of the timeline is now."""
        self._start_ms = self._clock.unix_ms()
        self._emulators.watch(self._record_states)
        self._emulators.listen(self._record_order)
        if self._controllers is not None and self._controllers.client is not None:
            self._controllers.client.watch(self._record_note)
            for note in self._controllers.client.notes:
                self._record_note(note)
        self._record_states()

    def elapsed_s(self) -> float:
        """Return seconds since time 0 of the timeline; negative before it."""
        return (self._clock.unix_ms() - self._start_ms) / 1000

    def _record_states(self) -> None:
        """Record the states that have changed."""
        at_s = self.elapsed_s()
        for name, state in self._emulators.snapshot().items():
            if self._last.get(name) != state:
                self._last[name] = state
                self._states.append(SeenState(at_s, name, state))
                self.moved.set()

    def _record_order(self, place: str, word: str, args: list[str]) -> None:
        self._orders.append(SeenOrder(self.elapsed_s(), place, word, tuple(args)))
        self._record_item(self._orders[-1])

    def _record_note(self, note: Note) -> None:
        at_s = (note.at_ms - self._start_ms) / 1000
        self._notes.append(SeenNote(at_s, note.controller, note.mark, note.subject, note.text))
        self._record_item(self._notes[-1])

    def _record_item(self, item: SeenEvent | SeenOrder | SeenNote) -> None:
        self.transcript.append(item)
        self.moved.set()
        self.watch(item)

    async def follow(self) -> None:
        """Record events as they come, until cancelled; those of a gateway that is started again, too."""
        while True:
            following = asyncio.create_task(self._follow(self._backend), name="follow a gateway")
            self._restarted.clear()
            try:
                await self._restarted.wait()
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, backend: GatewayBackend) -> None:
        async for event in backend.follow(self._followed):
            self._followed = event.id
            self._record_item(self._seen_event(event))

    async def until(self, at_s: float) -> None:
        """Wait for a mark of the scenario."""
        await asyncio.sleep(max(0.0, at_s - self.elapsed_s()))

    async def do(self, words: str) -> None:
        """Say `PLACE INPUT [ARGS]` to a device, a controller or the gateway. Raises InputError and Refusal."""
        place, name, *args = words.split()
        if place == GATEWAY and place not in self._emulators.devices:
            await self._process.apply_input(name, args)
            self._restarted.set()
        elif self._controllers is not None and place in self._controllers.names:
            await self._controllers.apply_input(place, name, args)
        else:
            self._emulators.inject(place, name, args)

    async def command(self, device: str, command: str, params: dict[str, Any]) -> None:
        """Give a command as a controller would. Raises Refusal."""
        await self._backend.submit(device, command, params, "", DEADLINE_S, "scenario")

    async def ask(self, probe: str, arguments: Mapping[str, Any]) -> Any:
        """Ask as a client would. Raises ProbeError."""
        return await ask(self._target, probe, arguments)

    async def perform(self, index: int, step: Step) -> None:
        """Carry out an action; what it answers, or why it was refused, is kept for the verdict."""
        try:
            answer = await step.action.perform(step, self)
            if step.action.answers:
                self._answers.append(SeenAnswer(self.elapsed_s(), index, answer))
        except (InputError, Refusal, ProbeError) as error:
            self._answers.append(SeenAnswer(self.elapsed_s(), index, str(error), refused=True))

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the present state of every device of the plant."""
        return self._emulators.snapshot()

    async def events(self) -> list[SeenEvent]:
        """Return all events so far."""
        events: list[SeenEvent] = []
        after = ""
        while page := await self._backend.events(after, PAGE):
            after = page[-1].id
            events += [self._seen_event(event) for event in page]
        return events

    async def seen(self) -> Seen:
        """Return everything seen so far."""
        commands = [item for device in self._backend.site.devices for item in await self._commands(device)]
        commands.sort(key=lambda item: item.at_s)
        return Seen(await self.events(), self._states, commands, self._orders, self._notes, self._answers)

    async def _commands(self, device: str) -> list[SeenCommand]:
        shown = []
        after = ""
        while page := await self._backend.commands_of(device, after, PAGE):
            after = page[-1].id
            for command in page:
                begun_s = (command.created_ms - self._start_ms) / 1000
                ended_s = begun_s if command.ended_ms is None else (command.ended_ms - self._start_ms) / 1000
                state = command.state if command.ended_ms is not None else CommandState.RUNNING
                shown.append(
                    SeenCommand(begun_s, ended_s, device, command.command, command.params, state.value, command.result)
                )
        return shown

    def _seen_event(self, event: Event) -> SeenEvent:
        at_s = (round(datetime.fromisoformat(event.time).timestamp() * 1000) - self._start_ms) / 1000
        return SeenEvent(at_s, event.id, event.type, event.subject, event.data)


__all__ = ["Report", "ScenarioSession", "Watch", "replay"]
