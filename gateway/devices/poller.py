"""The base of the pollers: many devices that are asked from few sockets."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from ridethrough.gateway.devices.liveness import Liveness
from ridethrough.gateway.devices.udp import PollingSocket


class PolledTarget(Protocol):
    """A device that a poller asks."""

    name: str
    liveness: Liveness
    timers: list[asyncio.TimerHandle]


T = TypeVar("T", bound=PolledTarget)


class TargetPoller(ABC, Generic[T]):
    """Asks the targets that `watch` names, each from the socket of its family or its source, and reads the answers."""

    def __init__(self) -> None:
        self._targets: dict[str, T] = {}  # by address
        self._by_name: dict[str, T] = {}
        self._socket: PollingSocket | None = None
        self._watched: set[str] = set()

    def _add(self, address: str, target: T) -> None:
        self._targets[address] = target
        self._by_name[target.name] = target

    def watch(self, names: Iterable[str]) -> None:
        """Ask these targets from now on, and no others; those that are asked already keep their timers."""
        wanted = set(names)
        now_s = asyncio.get_running_loop().time()
        if self._socket is None:
            self._socket = PollingSocket(self._receive)
        for target in self._targets.values():
            if target.name not in wanted:
                self._cancel_timers(target)
            elif target.name not in self._watched:
                target.liveness.last_answer_s = now_s
                self._begin(target, now_s)
        self._watched = wanted & {target.name for target in self._targets.values()}

    def stop(self) -> None:
        """Ask nothing any more, and close the socket."""
        for target in self._targets.values():
            self._cancel_timers(target)
        self._watched = set()
        if self._socket:
            self._socket.close()

    @staticmethod
    def _cancel_timers(target: T) -> None:
        for timer in target.timers:
            timer.cancel()
        target.timers.clear()

    def last_answer_s(self, name: str) -> float | None:
        """Loop time of the last answer of a device, or of the start of its watch; None for one not in this poller."""
        target = self._by_name.get(name)
        return None if target is None else target.liveness.last_answer_s

    def _ask(self, data: bytes, address: str, port: int, source: str | None = None) -> None:
        if self._socket:
            self._socket.send(data, address, port, source)

    @abstractmethod
    def _begin(self, target: T, now_s: float) -> None:
        """Ask a target for the first time, at the loop time `now_s`, and set its timers."""

    @abstractmethod
    def _receive(self, data: bytes, source: str) -> None:
        """Read a datagram from `source`, which may be no target's."""
