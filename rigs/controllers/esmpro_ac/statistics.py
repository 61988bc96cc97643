"""One week of samples of every UPS (003 1.7.2, 1.7.4.3(21)), and the limits of the batteries' temperature."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ridethrough.gateway.vocabulary import Condition
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.rules import WEEK

# What is sampled, and the reading of the gateway that has it.
VALUES = {
    "input_v": "upsAdvInputLineVoltage",
    "output_v": "upsAdvOutputVoltage",
    "load_percent": "upsAdvOutputLoad",
    "charge_percent": "upsAdvBatteryCapacity",
    "celsius": "upsAdvBatteryTemperature",
}


class Sample(NamedTuple):
    """Readings of one UPS at one instant, by the names of `VALUES`; empty for one that was silent."""

    at: datetime
    values: Mapping[str, int]


class Statistics:
    """Samples while a terminal is master, each UPS at the interval of its group (統計情報採取間隔)."""

    def __init__(self, notes: NoteWriter, intervals_s: Mapping[str, float], config: EsmproAcConfig) -> None:
        self._notes = notes
        self._ups: dict[float, list[str]] = {}
        for name, interval_s in intervals_s.items():
            self._ups.setdefault(interval_s, []).append(name)
        self._limits = config.temperature
        self._samples: dict[str, deque[Sample]] = {name: deque() for name in intervals_s}
        self._summaries: dict[str, dict[str, Any]] = {}  # made since the last sample of their UPS
        self._hot: set[str] = set()

    async def run(self, is_master: Callable[[], bool]) -> None:
        """Sample until cancelled, while `is_master` returns True."""
        await asyncio.gather(*(self._run(every_s, names, is_master) for every_s, names in self._ups.items()))

    async def _run(self, every_s: float, names: Sequence[str], is_master: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += every_s
            await asyncio.sleep(due - loop.time())
            if is_master():
                for name in names:
                    await self._sample(name)

    async def _sample(self, name: str) -> None:
        try:
            document = await self._notes.client.device(name)
        except ApiError as error:
            self._notes.note("failed", name, str(error))
            return
        # Of a silent card the gateway shows the last answer, which is none of now.
        readings = {} if Condition.SILENCE in document["conditions"] else document["readings"]
        now, samples = self._notes.client.now(), self._samples[name]
        samples.append(Sample(now, {key: readings[item] for key, item in VALUES.items() if item in readings}))
        while samples[0].at <= now - WEEK:
            samples.popleft()
        self._summaries.pop(name, None)
        if (celsius := samples[-1].values.get("celsius")) is not None:
            self._judge(name, celsius)

    def _judge(self, name: str, celsius: int) -> None:
        """バッテリー温度監視 (2.4): noted once when it leaves the limits, and once when it is back."""
        low, high = self._limits
        outside = not low <= celsius <= high
        if outside and name not in self._hot:
            self._hot.add(name)
            self._notes.note("alarm", name, f"battery temperature {celsius} is outside {low:g} to {high:g}")
        elif not outside and name in self._hot:
            self._hot.discard(name)
            self._notes.note("alarm_over", name)

    def row(self) -> dict[str, Any]:
        """Return number, first and last time of all samples, and the values of each UPS, as JSON has them."""
        sampled = {name: samples for name, samples in self._samples.items() if samples}
        if not sampled:
            return {"samples": 0, "ups": {}}
        return {
            "samples": sum(map(len, sampled.values())),
            "from": min(samples[0].at for samples in sampled.values()).isoformat(),
            "to": max(samples[-1].at for samples in sampled.values()).isoformat(),
            "ups": {name: self._summary(name) for name in sampled},
        }

    def _summary(self, name: str) -> dict[str, Any]:
        if name not in self._summaries:
            self._summaries[name] = _summary(self._samples[name])
        return self._summaries[name]


def _summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return number and time of the samples of one UPS, the last one, and the lowest and highest of each value."""
    columns = {key: [sample.values[key] for sample in samples if key in sample.values] for key in VALUES}
    return {
        "samples": len(samples),
        "answered": sum(bool(sample.values) for sample in samples),
        "last": {"at": samples[-1].at.isoformat(), **{key: samples[-1].values.get(key) for key in VALUES}},
        "lowest": {key: min(column) for key, column in columns.items() if column},
        "highest": {key: max(column) for key, column in columns.items() if column},
    }
