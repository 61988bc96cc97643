"""Heartbeats of BMCs and servers: asked at an interval, lost after a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ridethrough.gateway.devices.liveness import Liveness
from ridethrough.gateway.devices.poller import TargetPoller
from ridethrough.gateway.devices.probes import LivenessProbe
from ridethrough.gateway.records import Observation, Readings, Silence

ANSWERS_TO_RETURN = 2
SLOTS = 64  # of an interval; devices of one slot share a look at the socket


@dataclass(slots=True)
class HeartbeatTarget:
    """A device and what was last heard of it."""

    name: str
    address: str
    port: int
    interval_s: float
    liveness: Liveness
    probe: LivenessProbe
    said: Mapping[str, int] | None = None  # None before the first answer
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class HeartbeatPoller(TargetPoller[HeartbeatTarget]):
    """Liveness is reported as silence of that device: a BMC's is never taken for a dead server."""

    def __init__(self, observe: Callable[[Observation], None]) -> None:
        super().__init__()
        self._observe = observe
        self._begun = 0

    def add(
        self, name: str, address: str, port: int, interval_s: float, timeout_s: float, probe: LivenessProbe
    ) -> None:
        """A device to ask."""
        liveness = Liveness(timeout_s, ANSWERS_TO_RETURN, 0.0)
        self._add(address, HeartbeatTarget(name, address, port, interval_s, liveness, probe))

    def has_answered(self, name: str, since_s: float) -> bool:
        """Whether a device has answered since a loop time."""
        heard_s = self.last_answer_s(name)
        return heard_s is not None and heard_s > since_s

    def _begin(self, target: HeartbeatTarget, now_s: float) -> None:
        """Beats are spread over the interval, so that a thousand devices do not answer at one instant."""
        loop = asyncio.get_running_loop()
        slot = self._begun * SLOTS // len(self._targets)
        first = now_s + target.interval_s * slot / SLOTS
        self._begun += 1
        target.timers[:] = [loop.call_at(first, self._beat, target, first)]

    def _beat(self, target: HeartbeatTarget, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        if target.liveness.check(loop.time()):
            self._observe(Silence(target.name))
        self._ask(target.probe.ask(), target.address, target.port)
        following = due_s + target.interval_s
        target.timers[:] = [loop.call_at(following, self._beat, target, following)]

    def _receive(self, data: bytes, source: str) -> None:
        target = self._targets.get(source)
        if target is None:
            return
        said, more = target.probe.hear(data)
        if more is not None:
            self._ask(more, target.address, target.port)
        if said is None:
            return
        came_back = target.liveness.answered(asyncio.get_running_loop().time())
        if came_back or (target.said != said and not target.liveness.lost):
            target.said = said
            self._observe(Readings(target.name, dict(said)))
