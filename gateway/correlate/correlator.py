"""Conditions with memory, and the outage that must last to be believed.

Pure: signals and instants in, events out. Deadlines are reported, and fire only when a `tick` says so, so that a
replay of the journal, which holds the ticks too, gives the same events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from gateway.correlate.recoveries import STARTED, BmcPolicy, Held, Recoveries, times
from gateway.records import Event, Severity, Signal

INPUT = "input"
OUTAGE = "outage"
CONFIRMED = "power.outage.confirmed"
CLEARED = "power.outage.cleared"
EXPIRED = "bmc.recovery.expired"


class UpsPolicy(NamedTuple):
    """Confirmation time of a UPS and the power-control groups that hang on it."""

    confirm_ms: int
    groups: tuple[str, ...] = ()


class Open(msgspec.Struct):
    """An open condition."""

    since_ms: int
    event_id: str
    type: str
    text: str
    severity: str


class State(msgspec.Struct):
    """All memory of the correlator; kept in the database so that a restart forgets nothing."""

    open: dict[str, dict[str, Open]] = {}  # device -> condition
    clear: dict[str, list[str]] = {}  # device -> conditions known to be clear
    confirm_at_ms: dict[str, int] = {}  # UPS -> when its outage will be confirmed
    held: dict[str, Held] = {}  # BMC -> what it waits for


class Correlator:
    """One for the gateway. `state` may be read at any time and is never shared."""

    def __init__(
        self,
        policies: Mapping[str, UpsPolicy],
        source: str,
        state: State | None = None,
        bmcs: Mapping[str, BmcPolicy] | None = None,
    ) -> None:
        self.state = state or State()
        self._policies = policies
        self._recoveries = Recoveries(self.state.held, bmcs or {})
        # A UPS that has left the site since the state was kept is confirmed no more.
        for device in set(self.state.confirm_at_ms) - set(policies):
            del self.state.confirm_at_ms[device]
        self._source = source

    def next_deadline_ms(self) -> int | None:
        """Unix time at which `tick` is due."""
        held = (item.expires_ms for item in self.state.held.values())
        return min((*self.state.confirm_at_ms.values(), *held), default=None)

    def signals(self, position: int, at_ms: int, signals: Sequence[Signal]) -> list[Event]:
        """Events that follow from the signals of one journal record."""
        batch = _Batch(self._source, position, at_ms)
        for signal in signals:
            if not signal.condition:
                data = {**signal.data, **self._recoveries.before(signal, at_ms)}
                event_id = batch.add(signal.type, signal.device, signal.severity, signal.text, data, signal.evidence)
                self._recoveries.after(signal, event_id, at_ms)
            elif signal.opens:
                self._open(batch, signal)
            else:
                self._clear(batch, signal)
        return batch.events

    def tick(self, position: int, at_ms: int) -> list[Event]:
        """Events of the deadlines up to `at_ms`."""
        batch = _Batch(self._source, position, at_ms)
        due = sorted((deadline, device) for device, deadline in self.state.confirm_at_ms.items() if deadline <= at_ms)
        for _, device in due:
            del self.state.confirm_at_ms[device]
            self._confirm(batch, device)
        for device, expired in self._recoveries.expired(at_ms):
            missing = "ended" if STARTED in expired.steps else "started"
            text = f"no recovery of incident {expired.incident} {missing} in time"
            data: dict[str, Any] = {"incident": expired.incident, "steps": times(expired.steps)}
            data["opened_by"] = expired.event_id
            batch.add(EXPIRED, device, Severity.WARNING, text, data, {})
        return batch.events

    def _open(self, batch: _Batch, signal: Signal) -> None:
        known = self.state.open.setdefault(signal.device, {})
        if signal.condition in known:
            return  # the same fact said again
        event_id = batch.add(
            signal.type,
            signal.device,
            signal.severity,
            signal.text,
            {**signal.data, "condition": signal.condition, "opens": True},
            signal.evidence,
        )
        known[signal.condition] = Open(batch.at_ms, event_id, signal.type, signal.text, signal.severity)
        clear = self.state.clear.get(signal.device, [])
        if signal.condition in clear:
            clear.remove(signal.condition)
        policy = self._policies.get(signal.device)
        if signal.condition == INPUT and policy is not None:
            self.state.confirm_at_ms[signal.device] = batch.at_ms + policy.confirm_ms

    def _clear(self, batch: _Batch, signal: Signal) -> None:
        opened = self.state.open.get(signal.device, {}).pop(signal.condition, None)
        clear = self.state.clear.setdefault(signal.device, [])
        unknown = opened is None and signal.condition not in clear
        if signal.condition not in clear:
            clear.append(signal.condition)
        if opened is None and (not unknown or signal.baseline):
            return  # said before, or a first reading that shows nothing wrong
        data: dict[str, Any] = {**signal.data, "condition": signal.condition, "clears": True}
        if opened is not None:
            data |= {"opened_by": opened.event_id, "lasted_s": (batch.at_ms - opened.since_ms) / 1000}
        batch.add(signal.type, signal.device, signal.severity, signal.text, data, signal.evidence)
        if signal.condition == INPUT:
            self.state.confirm_at_ms.pop(signal.device, None)
            self._end_outage(batch, signal.device)

    def _confirm(self, batch: _Batch, device: str) -> None:
        policy = self._policies[device]
        lost = self.state.open[device][INPUT]
        text = f"input power of {device} has been lost for {policy.confirm_ms / 1000:g} s"
        event_id = ""
        for group in policy.groups or ("",):
            event_id = batch.add(
                CONFIRMED,
                device,
                Severity.CRITICAL,
                text,
                {"group": group or None, "condition": OUTAGE, "opens": True, "confirm_s": policy.confirm_ms / 1000},
                {"opened_by": lost.event_id},
            )
        self.state.open[device][OUTAGE] = Open(batch.at_ms, event_id, CONFIRMED, text, Severity.CRITICAL)

    def _end_outage(self, batch: _Batch, device: str) -> None:
        opened = self.state.open.get(device, {}).pop(OUTAGE, None)
        policy = self._policies.get(device)
        if opened is None or policy is None:
            return
        for group in policy.groups or ("",):
            batch.add(
                CLEARED,
                device,
                Severity.INFO,
                f"the outage of {device} is over",
                {
                    "group": group or None,
                    "condition": OUTAGE,
                    "clears": True,
                    "opened_by": opened.event_id,
                    "lasted_s": (batch.at_ms - opened.since_ms) / 1000,
                },
                {},
            )


class _Batch:
    """Events of one journal record: their identifiers are its position and their index."""

    def __init__(self, source: str, position: int, at_ms: int) -> None:
        self.events: list[Event] = []
        self.at_ms = at_ms
        self._source = source
        self._position = position
        self._time = _rfc3339(at_ms)

    def add(
        self,
        event_type: str,
        device: str,
        severity: Severity,
        text: str,
        data: Mapping[str, Any],
        evidence: Mapping[str, Any],
    ) -> str:
        event_id = f"{self._position}-{len(self.events)}"
        self.events.append(
            Event(
                id=event_id,
                type=str(event_type),
                source=self._source,
                subject=device,
                time=self._time,
                data={
                    "device": device,
                    "severity": str(severity),
                    "text": text,
                    **data,
                    "evidence": {"position": self._position, **evidence},
                },
            )
        )
        return event_id


@lru_cache(maxsize=64)
def _rfc3339(at_ms: int) -> str:
    """Datagrams read together arrive at one instant."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
