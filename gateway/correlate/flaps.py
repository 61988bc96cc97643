"""Conditions that come and go and come again: told once as flapping, and then how they settled.

What controllers must hear at once (input, battery, output, server power) is never held back; an outage has its own
confirmation time.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import msgspec

from ridethrough.gateway.vocabulary import Condition

NEVER_SUPPRESSED = frozenset(
    condition.value
    for condition in (
        Condition.INPUT,
        Condition.OUTAGE,
        Condition.BATTERY,
        Condition.OUTPUT,
        Condition.POWER,
        Condition.COMMUNICATION,
    )
)


class FlapPolicy(NamedTuple):
    """A condition flaps that opens `opens` times within `window_ms`, until it has not changed for `settle_ms`."""

    opens: int
    window_ms: int
    settle_ms: int


class Held(msgspec.Struct):
    """The last change that was not told."""

    type: str
    severity: str
    text: str


class Flap(msgspec.Struct):
    """`opened` are the times of openings within the window; `changes` counts since flapping began."""

    opened: list[int]
    told_open: bool
    changed_ms: int
    changes: int = 0
    since_ms: int | None = None  # of the flapping; None while it does not flap
    held: Held | None = None


class Told(Enum):
    """What becomes of a change."""

    NOW = "now"
    HELD = "held"
    FLAPPING = "flapping"  # held, and this is news


class Flaps:
    """`state` is the memory, by device and condition; it is kept by the correlator. `policy` of None holds nothing."""

    def __init__(self, policy: FlapPolicy | None, state: dict[str, dict[str, Flap]]) -> None:
        self._policy = policy
        self._state = state

    def change(self, device: str, condition: str, at_ms: int, held: Held, *, opens: bool) -> Told:
        """Note a change of the truth."""
        policy = self._policy
        if policy is None or condition in NEVER_SUPPRESSED:
            return Told.NOW
        flaps = self._state.setdefault(device, {})
        flap = flaps.get(condition)
        if flap is None:
            if opens:
                flaps[condition] = Flap([at_ms], told_open=True, changed_ms=at_ms)
            return Told.NOW
        flap.changed_ms = at_ms
        if opens:
            flap.opened = [*(one for one in flap.opened if at_ms - one < policy.window_ms), at_ms]
        if flap.since_ms is not None:
            flap.changes += 1
            flap.held = held
            return Told.HELD
        if len(flap.opened) >= policy.opens:
            flap.since_ms, flap.changes, flap.held = at_ms, 1, held
            return Told.FLAPPING
        flap.told_open = opens
        return Told.NOW

    def deadline_ms(self) -> int | None:
        """When the next one may have settled."""
        policy = self._policy
        if policy is None:
            return None
        return min((flap.changed_ms + policy.settle_ms for _, _, flap in self._all() if flap.since_ms), default=None)

    def settled(self, at_ms: int) -> list[tuple[str, str, Flap]]:
        """Those that have not changed for long enough, with device and condition; forgotten here."""
        policy = self._policy
        if policy is None:
            return []
        ended = sorted(
            (device, condition)
            for device, condition, flap in self._all()
            if flap.since_ms is not None and flap.changed_ms + policy.settle_ms <= at_ms
        )
        return [(device, condition, self._forget(device, condition)) for device, condition in ended]

    def tidy(self, at_ms: int) -> None:
        """Forget what can no longer count."""
        policy = self._policy
        window_ms = 0 if policy is None else policy.window_ms
        for device, condition, flap in list(self._all()):
            if flap.since_ms is None and at_ms - flap.changed_ms >= window_ms:
                self._forget(device, condition)

    def _forget(self, device: str, condition: str) -> Flap:
        flaps = self._state[device]
        flap = flaps.pop(condition)
        if not flaps:
            del self._state[device]
        return flap

    def _all(self) -> Iterator[tuple[str, str, Flap]]:
        for device, flaps in self._state.items():
            for condition, flap in flaps.items():
                yield device, condition, flap
