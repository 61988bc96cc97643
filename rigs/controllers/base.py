"""What every stand-in controller is: a configuration, a task, inputs for people, and what it shows of itself."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import structlog

from ridethrough.emulators.config.base import Name, RigModel
from ridethrough.emulators.config.plant import Plant
from ridethrough.rigs.controllers.client import Desk, DeskError
from ridethrough.rigs.topology import Topology

log = structlog.get_logger("controllers")


class ControllerContext(NamedTuple):
    """What a controller knows of the rig before it hears anything: what a person would have configured it with."""

    plant: Plant
    topology: Topology
    monitors: tuple[str, ...]  # names of the cluster managers' BMC monitors


class ControllerConfig(RigModel):
    """The keys that all have."""

    type: str
    name: Name


C = TypeVar("C", bound=ControllerConfig)
Act = Callable[[list[str]], Awaitable[None]]


class InputRefused(ValueError):
    """An input that this controller does not take, or not now. One line for a person."""


class Controller(ABC, Generic[C]):
    """One running stand-in."""

    config_class: ClassVar[type[ControllerConfig]]
    """What a rig file says of it."""

    def __init__(self, config: C, context: ControllerContext, desk: Desk) -> None:
        self.config = config
        self.context = context
        self.desk = desk
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return self.config.name

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled."""

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """Words that people and applications may say, each with a line of help."""
        return {}

    def snapshot(self) -> dict[str, Any]:
        """What the controller's own console would show."""
        return {}

    async def take(self, word: str, args: list[str]) -> None:
        """Apply an input. Raises InputRefused."""
        known = self.inputs()
        if word not in known:
            raise InputRefused(f"{word!r} is no input of {self.name}; accepted: {', '.join(known) or 'none'}")
        await known[word][1](args)

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        """Write down what the controller does, for its report."""
        self.desk.note(self.name, mark, subject, text)

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Do something beside the main task; it ends with the controller."""
        task = asyncio.ensure_future(self._guarded(work))
        task.set_name(f"{self.name} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.note("failed", task.get_name(), repr(error))
            log.error("controller's task ended", task=task.get_name(), exc_info=error)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except DeskError as error:
            self.note("failed", "", str(error))

    async def stop(self) -> None:
        """End everything that was begun beside the main task."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
