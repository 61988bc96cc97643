"""What polling and heartbeats share: many devices behind one socket."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from gateway.devices.silence import Silence
from gateway.devices.udp import Asker


class Target(Protocol):
    """A device that is asked again and again."""

    name: str
    silence: Silence
    timers: list[asyncio.TimerHandle]


T = TypeVar("T", bound=Target)


class Link(ABC, Generic[T]):
    """Targets by address, and the socket that asks them."""

    def __init__(self) -> None:
        self._targets: dict[str, T] = {}
        self._asker: Asker | None = None

    def start(self) -> None:
        """Open the socket and begin with every target."""
        now_s = asyncio.get_running_loop().time()
        self._asker = Asker(self._receive)
        for target in self._targets.values():
            target.silence.last_heard_s = now_s
            self._begin(target, now_s)

    def stop(self) -> None:
        for target in self._targets.values():
            for timer in target.timers:
                timer.cancel()
        if self._asker:
            self._asker.close()

    def last_heard_s(self, name: str) -> float | None:
        """Loop time of the last answer of a device."""
        return next((item.silence.last_heard_s for item in self._targets.values() if item.name == name), None)

    def _ask(self, data: bytes, address: str, port: int) -> None:
        if self._asker:
            self._asker.send(data, address, port)

    @abstractmethod
    def _begin(self, target: T, now_s: float) -> None:
        """Ask a target for the first time."""

    @abstractmethod
    def _receive(self, data: bytes, source: str) -> None:
        """Read an answer."""
