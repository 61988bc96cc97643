"""Conditions that open and clear again and again: one event when that begins, and one for what it settled to.

Changes that controllers act on (input, battery, output, server power) are never suppressed; an outage has its own
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


class SuppressedChange(msgspec.Struct):
    """The last change of a flapping condition, as an event of its own would have said it."""

    type: str
    severity: str
    text: str


class Flap(msgspec.Struct):
    """`opened` are the times of openings within the window; `changes` counts since flapping began.

    `told_open` is the state that the last emitted event of the condition said.
    """

    opened: list[int]
    told_open: bool
    changed_ms: int
    changes: int = 0
    since_ms: int | None = None  # of the flapping; None while it does not flap
    held: SuppressedChange | None = None


class Disposition(Enum):
    """The decision on the event of a change."""

    EMIT = "emit"
    SUPPRESS = "suppress"
    SUPPRESS_FROM_NOW = "suppress from now on"  # the first that is suppressed


class Flaps:
    """Suppresses the changes of flapping conditions; none with a `policy` of None.

    `state` is by device and condition; the correlator keeps it.
    """

    def __init__(self, policy: FlapPolicy | None, state: dict[str, dict[str, Flap]]) -> None:
        self._policy = policy
        self._state = state

    def change(self, device: str, condition: str, at_ms: int, change: SuppressedChange, *, opens: bool) -> Disposition:
        """Record that a condition has opened or cleared, and decide on the event of it, which `change` describes."""
        policy = self._policy
        if policy is None or condition in NEVER_SUPPRESSED:
            return Disposition.EMIT
        flaps = self._state.setdefault(device, {})
        flap = flaps.get(condition)
        if flap is None:
            if opens:
                flaps[condition] = Flap([at_ms], told_open=True, changed_ms=at_ms)
            return Disposition.EMIT
        flap.changed_ms = at_ms
        if opens:
            flap.opened = [*(one for one in flap.opened if at_ms - one < policy.window_ms), at_ms]
        if flap.since_ms is not None:
            flap.changes += 1
            flap.held = change
            return Disposition.SUPPRESS
        if len(flap.opened) >= policy.opens:
            flap.since_ms, flap.changes, flap.held = at_ms, 1, change
            return Disposition.SUPPRESS_FROM_NOW
        flap.told_open = opens
        return Disposition.EMIT

    def deadline_ms(self) -> int | None:
        """Unix time at which the next flapping condition may have settled; None when none flaps."""
        policy = self._policy
        if policy is None:
            return None
        return min((flap.changed_ms + policy.settle_ms for _, _, flap in self._all() if flap.since_ms), default=None)

    def settled(self, at_ms: int) -> list[tuple[str, str, Flap]]:
        """Remove and return those that have not changed for `settle_ms`, with device and condition."""
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
        """Forget conditions that do not flap and whose openings have left the window."""
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
