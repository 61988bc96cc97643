"""Carries out a timeline on a rig, and keeps everything that it showed."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.gateway.api import Refusal
from ridethrough.mibs import MibTree
from ridethrough.rigs.clock import Clock, Speed, run
from ridethrough.rigs.explore.run import Action, Run
from ridethrough.rigs.lab.group_status import STATED, LiveState, live_state, rows
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.runtime import GatewayProcess, assemble
from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.runner import ANY_PORT, ScenarioSession, journal_folder, outlives
from ridethrough.rigs.scenario.seen import SeenAnswer
from ridethrough.rigs.scenario.step import Step
from ridethrough.rigs.scenario.verdicts import judge

START = "2026-01-01T00:00:00+00:00"
LEAD_S = 0.2  # in which every card answers its first poll; of the wall clock where that is the time

TIMES = {"at", "between", "by"}

Expectations = Sequence[Mapping[str, Any]]
"""Lines with `expect`, as a scenario has them; their times may be left out."""
Attach = Callable[[str], Awaitable[None]]
"""A controller under test: works against the gateway at a URL until it is cancelled."""


def carry_out(
    rig: RigFile,
    tree: MibTree,
    timeline: Sequence[Action],
    rest_s: float,
    *,
    speed: Speed = "max",
    attach: Attach | None = None,
    expected: Expectations = (),
) -> Run:
    """Carry out `timeline` on `rig`, let it rest, and return what was seen. Raises BindError and ListenError.

    `attach` runs beside the rig. `expected` are judged like those of a scenario. What went wrong with the run itself,
    an exception that nobody handled or a program that ended, is in its `failures`.
    """
    end_s = (timeline[-1].at_s if timeline else 0.0) + rest_s
    failures: list[str] = []
    with journal_folder(needed=any(outlives(action.words) for action in timeline)) as journal, _watched(failures):
        made = run(_carried_out(rig, tree, timeline, end_s, speed, journal, attach, failures), speed)
        gc.collect()  # an exception that nobody retrieved is told when its task goes
    if expected:
        steps = tuple(Step.model_validate(timed(raw, end_s)) for raw in expected)
        scenario = Scenario(
            scenario="expected", rig=Path(), until=max(end_s, *(step.window[1] for step in steps)), timeline=steps
        )
        made = made._replace(expectations=tuple(judge(scenario, made.seen)))
    return made._replace(failures=tuple(dict.fromkeys(failures)))


def timed(raw: Mapping[str, Any], end_s: float) -> Mapping[str, Any]:
    """An expectation without a time is one of the whole run, and a state one of its end."""
    if TIMES & raw.keys():
        return raw
    return {**raw, "between": (end_s if raw["expect"] == "state" else 0.0, end_s)}


async def _carried_out(
    rig: RigFile,
    tree: MibTree,
    timeline: Sequence[Action],
    end_s: float,
    speed: Speed,
    journal: Path | None,
    attach: Attach | None,
    failures: list[str],
) -> Run:
    lead_s = LEAD_S if speed == "max" else LEAD_S * speed
    clock = Clock(datetime.fromisoformat(START).timestamp() - lead_s)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: failures.append(_in_words(context)))
    process = assemble(rig, tree, clock, speed, bind=ANY_PORT, journal=journal)
    await process.start()
    attached: asyncio.Task[None] | None = None
    try:
        if attach is not None:
            attached = asyncio.create_task(_attached(attach, process.url, failures), name="controller under test")
        session = ScenarioSession(process, rig, tree, clock, Path())
        await asyncio.sleep(lead_s)
        session.begin()
        refused = []
        for index, action in enumerate(timeline):
            await session.until(action.at_s)
            try:
                await session.do(action.words)
            except (InputError, Refusal) as error:  # nothing comes of it in the state that the rig is in
                refused.append(SeenAnswer(session.elapsed_s(), index, str(error), refused=True))
        await session.until(end_s)
        seen = (await session.seen())._replace(answers=refused)
        conditions = tuple(msgspec.to_builtins(item) for item in process.gateway.backend.conditions())
        if process.controllers is not None:
            failures += process.controllers.failures
        table = tuple(rows(rig, _live(process))) if rig.groups else ()
        return Run(rig, tuple(timeline), seen, end_s, conditions, table, attached=attach is not None)
    finally:
        if attached is not None:
            attached.cancel()
            await asyncio.gather(attached, return_exceptions=True)
        await process.stop()


async def _attached(attach: Attach, url: str, failures: list[str]) -> None:
    try:
        await attach(url)
    except Exception as error:  # whatever a program under test raises is a finding, and no reason to stop
        failures.append(f"the controller under test ended: {error!r}")
    else:
        failures.append("the controller under test ended")


def _live(process: GatewayProcess) -> LiveState:
    """The states of which the status table is made."""
    controllers = [] if process.controllers is None else process.controllers.rows()
    plant = {} if process.emulators is None else process.emulators.snapshot(STATED)
    return live_state(controllers, plant, msgspec.to_builtins(process.gateway.backend.devices()))


# --- what nobody handled ------------------------------------------------------------------------------------------


def _in_words(context: Mapping[str, Any]) -> str:
    error = context.get("exception")
    return context["message"] if error is None else f"{context['message']}: {error!r}"


class _Errors(logging.Handler):
    """Keeps the errors that libraries log with an exception."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._failures = failures

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._failures.append(record.getMessage() if error is None else f"{record.getMessage()}: {error!r}")


@contextmanager
def _watched(failures: list[str]) -> Iterator[None]:
    """Collect what is logged as an exception, by us or by libraries, instead of showing it."""

    def keep(_logger: Any, method: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        if method == "exception" or event.get("exc_info"):
            given = event.get("exc_info")
            error = given if isinstance(given, BaseException) else sys.exc_info()[1]
            failures.append(f"{event['event']}: {error!r}")  # without its fields: identifiers differ from run to run
        raise structlog.DropEvent

    before = structlog.get_config()
    handler = _Errors(failures)
    library = logging.getLogger("aiohttp")
    propagates = library.propagate
    structlog.configure(processors=[keep], wrapper_class=structlog.BoundLogger, cache_logger_on_first_use=False)
    library.addHandler(handler)
    library.propagate = False
    try:
        yield
    finally:
        library.removeHandler(handler)
        library.propagate = propagates
        structlog.configure(**before)
