"""What polling and heartbeats share: many devices behind one socket."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from ridethrough.gateway.devices.liveness import Liveness
from ridethrough.gateway.devices.udp import Asker


class PolledTarget(Protocol):
    """A device that is asked again and again."""

    name: str
    liveness: Liveness
    timers: list[asyncio.TimerHandle]


T = TypeVar("T", bound=PolledTarget)


class TargetPoller(ABC, Generic[T]):
    """Targets by address, and the socket that asks them."""

    def __init__(self) -> None:
        self._targets: dict[str, T] = {}  # by address
        self._by_name: dict[str, T] = {}
        self._asker: Asker | None = None
        self._watched: set[str] = set()

    def _add(self, address: str, target: T) -> None:
        self._targets[address] = target
        self._by_name[target.name] = target

    def watch(self, names: Iterable[str]) -> None:
        """Ask these from now on, and no others; those that were asked before are not disturbed."""
        wanted = set(names)
        now_s = asyncio.get_running_loop().time()
        if self._asker is None:
            self._asker = Asker(self._receive)
        for target in self._targets.values():
            if target.name not in wanted:
                self._end(target)
            elif target.name not in self._watched:
                target.liveness.last_answer_s = now_s
                self._begin(target, now_s)
        self._watched = wanted & {target.name for target in self._targets.values()}

    def stop(self) -> None:
        for target in self._targets.values():
            self._end(target)
        self._watched = set()
        if self._asker:
            self._asker.close()

    @staticmethod
    def _end(target: T) -> None:
        for timer in target.timers:
            timer.cancel()
        target.timers.clear()

    def last_answer_s(self, name: str) -> float | None:
        """Loop time of the last answer of a device."""
        target = self._by_name.get(name)
        return None if target is None else target.liveness.last_answer_s

    def _ask(self, data: bytes, address: str, port: int) -> None:
        if self._asker:
            self._asker.send(data, address, port)

    @abstractmethod
    def _begin(self, target: T, now_s: float) -> None:
        """Ask a target for the first time."""

    @abstractmethod
    def _receive(self, data: bytes, source: str) -> None:
        """Read an answer."""
