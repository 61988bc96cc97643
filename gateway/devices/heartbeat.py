"""Heartbeats of BMCs and servers: probes at an interval, loss after a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ridethrough.gateway.devices.liveness import Liveness
from ridethrough.gateway.devices.poller import TargetPoller
from ridethrough.gateway.devices.probes import LivenessProbe
from ridethrough.gateway.records import Observation, Readings, Silence

ANSWERS_TO_RETURN = 2
SLOTS = 64  # of an interval; devices of one slot share a turn of the loop


@dataclass(slots=True)
class HeartbeatTarget:
    """A device that is probed, and the readings of its last answer."""

    name: str
    address: str
    port: int
    interval_s: float
    liveness: Liveness
    probe: LivenessProbe
    readings: Mapping[str, int] | None = None  # None before the first answer
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class HeartbeatPoller(TargetPoller[HeartbeatTarget]):
    """Probes each device and observes its silence and its return; the silence of a BMC is not that of its server."""

    def __init__(self, observe: Callable[[Observation], None]) -> None:
        super().__init__()
        self._observe = observe
        self._begun = 0

    def add(
        self, name: str, address: str, port: int, interval_s: float, timeout_s: float, probe: LivenessProbe
    ) -> None:
        """Add a device. It is probed as soon as `watch` names it."""
        liveness = Liveness(timeout_s, ANSWERS_TO_RETURN, 0.0)
        self._add(address, HeartbeatTarget(name, address, port, interval_s, liveness, probe))

    def has_answered(self, name: str, since_s: float) -> bool:
        """True when a device has answered since the loop time `since_s`."""
        answered_s = self.last_answer_s(name)
        return answered_s is not None and answered_s > since_s

    def _begin(self, target: HeartbeatTarget, now_s: float) -> None:
        """Probe a device for the first time. Devices are spread over the interval, so that their answers are, too."""
        loop = asyncio.get_running_loop()
        slot = self._begun * SLOTS // len(self._targets)
        first = now_s + target.interval_s * slot / SLOTS
        self._begun += 1
        target.timers[:] = [loop.call_at(first, self._probe, target, first)]

    def _probe(self, target: HeartbeatTarget, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        if target.liveness.check(loop.time()):
            self._observe(Silence(target.name))
        self._ask(target.probe.ask(), target.address, target.port)
        following = due_s + target.interval_s
        target.timers[:] = [loop.call_at(following, self._probe, target, following)]

    def _receive(self, data: bytes, source: str) -> None:
        target = self._targets.get(source)
        if target is None:
            return
        readings, more = target.probe.receive(data)
        if more is not None:
            self._ask(more, target.address, target.port)
        if readings is None:
            return
        came_back = target.liveness.answered(asyncio.get_running_loop().time())
        if came_back or (target.readings != readings and not target.liveness.lost):
            target.readings = readings
            self._observe(Readings(target.name, dict(readings)))
