"""One week of samples of every UPS (requirements 2.6, 4.2), and the limits of the batteries' temperature."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.rules import WEEK


class Sample(NamedTuple):
    """Readings of one UPS at one instant; None for those that it does not have."""

    at: datetime
    ups: str
    input_v: int | None
    load_percent: int | None


class Statistics:
    """Samples while a terminal is master, each UPS at the interval of its group (統計情報採取間隔)."""

    def __init__(self, notes: NoteWriter, intervals_s: Mapping[str, float], config: EsmproAcConfig) -> None:
        self._notes = notes
        self._ups: dict[float, list[str]] = {}
        for name, interval_s in intervals_s.items():
            self._ups.setdefault(interval_s, []).append(name)
        self._limits = config.temperature
        self._samples: deque[Sample] = deque()
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
            readings = (await self._notes.client.device(name))["readings"]
        except ApiError as error:
            self._notes.note("failed", name, str(error))
            return
        now = self._notes.client.now()
        self._samples.append(
            Sample(now, name, readings.get("upsAdvInputLineVoltage"), readings.get("upsAdvOutputLoad"))
        )
        while self._samples[0].at <= now - WEEK:
            self._samples.popleft()
        self._judge(name, readings.get("upsAdvBatteryTemperature"))

    def _judge(self, name: str, celsius: int | None) -> None:
        """バッテリー温度監視 (2.4): noted once when it leaves the limits, and once when it is back."""
        low, high = self._limits
        outside = celsius is not None and not low <= celsius <= high
        if outside and name not in self._hot:
            self._hot.add(name)
            self._notes.note("alarm", name, f"battery temperature {celsius} is outside {low:g} to {high:g}")
        elif not outside and name in self._hot:
            self._hot.discard(name)
            self._notes.note("alarm_over", name)

    def row(self) -> dict[str, Any]:
        """Return number, first and last time of the samples, as JSON has it."""
        if not self._samples:
            return {"samples": 0}
        first, last = self._samples[0].at, self._samples[-1].at
        return {"samples": len(self._samples), "from": first.isoformat(), "to": last.isoformat()}
