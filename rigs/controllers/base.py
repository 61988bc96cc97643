"""Base class of stand-in controllers: a configuration, a task, inputs for people, and a snapshot of the state."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import structlog

from ridethrough.emulators.config.base import Name, RigModel
from ridethrough.emulators.config.plant import Plant
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.topology import Topology

log = structlog.get_logger("controllers")


class ControllerContext(NamedTuple):
    """The part of a rig that a person would have configured a controller with."""

    plant: Plant
    topology: Topology
    monitors: tuple[str, ...]  # names of the cluster managers' BMC monitors
    unlinked: frozenset[str] = frozenset()
    """Servers on which `clpacmode enable` is not in force (001 section 7.1)."""


class ControllerConfig(RigModel):
    """Keys of every controller in a rig file."""

    type: str
    name: Name


C = TypeVar("C", bound=ControllerConfig)
Act = Callable[[list[str]], Awaitable[None]]


class InputRefused(ValueError):
    """The controller does not take the input, or not now. One line for a person."""


class Controller(ABC, Generic[C]):
    """A running stand-in: `run` is its main task, `spawn` adds others that end with it."""

    config_class: ClassVar[type[ControllerConfig]]
    """Its keys in a rig file."""

    def __init__(self, config: C, context: ControllerContext, client: ControllerClient) -> None:
        self.config = config
        self.context = context
        self.client = client
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Name of the controller in the rig file, by which inputs and notes find it."""
        return self.config.name

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled."""

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """Inputs of people and applications: word to a line of help and what is done."""
        return {}

    def snapshot(self) -> dict[str, Any]:
        """Return what the controller's own console would show, as JSON has it."""
        return {}

    async def apply_input(self, word: str, args: list[str]) -> None:
        """Apply an input. Raises InputRefused."""
        known = self.inputs()
        if word not in known:
            raise InputRefused(f"{word!r} is no input of {self.name}; accepted: {', '.join(known) or 'none'}")
        await known[word][1](args)

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        """Append a note; scenarios expect notes by `mark`, `subject` and `text`."""
        self.client.note(self.name, mark, subject, text)

    def spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        """Run something beside the main task; it ends with the controller, and its failure is noted."""
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
        except ApiError as error:
            self.note("failed", "", str(error))

    async def stop(self) -> None:
        """Cancel everything that `spawn` began, and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
