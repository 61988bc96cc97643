"""Presence pings to BMCs: no session, no login, nothing that can block."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.devices.link import Link
from gateway.devices.silence import Silence
from gateway.records import Observation
from wire import rmcp
from wire.errors import WireError

ANSWERS_TO_RETURN = 2


@dataclass(slots=True)
class Target:
    """A BMC and what was last heard of it."""

    name: str
    address: str
    port: int
    interval_s: float
    silence: Silence
    tag: int = 0
    first: bool = True
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class BmcHeartbeat(Link[Target]):
    """Silence is reported as silence of the BMC and never taken for a dead server."""

    def __init__(self, observe: Callable[[Observation], None]) -> None:
        super().__init__()
        self._observe = observe

    def add(self, name: str, address: str, port: int, interval_s: float, timeout_s: float) -> None:
        """A BMC to ping."""
        self._targets[address] = Target(name, address, port, interval_s, Silence(timeout_s, ANSWERS_TO_RETURN, 0.0))

    def _begin(self, target: Target, now_s: float) -> None:
        self._ping(target, now_s)

    def _ping(self, target: Target, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        if target.silence.check(loop.time()):
            self._observe(Observation(target.name, silent=True))
        target.tag = (target.tag + 1) % 0xFF  # FFh would ask for no answer
        self._ask(rmcp.encode_ping(target.tag), target.address, target.port)
        following = due_s + target.interval_s
        target.timers[:] = [loop.call_at(following, self._ping, target, following)]

    def _receive(self, data: bytes, source: str) -> None:
        target = self._targets.get(source)
        if target is None:
            return
        try:
            if rmcp.decode(data).rmcp_class is not rmcp.RmcpClass.ASF:
                return
            pong = rmcp.decode_asf(data)
        except WireError:
            return
        if not isinstance(pong, rmcp.Pong) or pong.tag != target.tag:
            return
        came_back = target.silence.heard(asyncio.get_running_loop().time())
        if came_back or (target.first and not target.silence.lost):
            target.first = False
            self._observe(Observation(target.name))
