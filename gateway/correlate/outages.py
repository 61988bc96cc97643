"""Outages of UPSs: a lost input is confirmed as an outage after a time, and silence meanwhile is lost communication.

One event for each power-control group of the UPS. Deadlines are reported, and fire only when `due` is called, so that a
replay of the journal gives the same events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ridethrough.gateway.correlate.batch import EventBatch
from ridethrough.gateway.correlate.state import CorrelatorState, Open
from ridethrough.gateway.records import Severity
from ridethrough.gateway.vocabulary import Condition, EventType

# Plain texts: a member of an enumeration costs a look-up each time.
INPUT: Final = Condition.INPUT.value
OUTAGE: Final = Condition.OUTAGE.value
SILENCE: Final = Condition.SILENCE.value
LINK: Final = Condition.LINK.value
COMMUNICATION: Final = Condition.COMMUNICATION.value
CONFIRMED: Final = EventType.OUTAGE_CONFIRMED.value
CLEARED: Final = EventType.OUTAGE_CLEARED.value
COMMUNICATION_LOST: Final = EventType.COMMUNICATION_LOST.value
COMMUNICATION_RESTORED: Final = EventType.COMMUNICATION_RESTORED.value


class UpsPolicy(NamedTuple):
    """Confirmation time of a UPS and the power-control groups that hang on it.

    `silence_ms` without an answer of the UPS during an outage is a loss of communication (requirements N1 and N2), at
    which the servers go on (`shutdown` false: policy 0) or are shut down (policy 1).
    """

    confirm_ms: int
    groups: tuple[str, ...] = ()
    silence_ms: int = 50_000
    shutdown: bool = False


class Outages:
    """Confirms and ends the outages of the UPSs in `policies`. What it remembers is part of the correlator's state."""

    def __init__(self, policies: Mapping[str, UpsPolicy], state: CorrelatorState) -> None:
        self._policies = policies
        self._state = state
        # A UPS that has left the site since the state was kept is confirmed no more.
        for deadlines in (state.confirm_at_ms, state.unheard_at_ms):
            for device in set(deadlines) - set(policies):
                del deadlines[device]

    def deadlines_ms(self) -> Iterator[int]:
        """Unix times at which `due` is to be called."""
        yield from self._state.confirm_at_ms.values()
        yield from self._state.unheard_at_ms.values()

    def opened(self, batch: EventBatch, device: str, condition: str) -> None:
        """Follow a condition of a device that has opened; `batch` gets the events."""
        policy = self._policies.get(device)
        if policy is None:
            return
        if condition == INPUT:
            self._state.confirm_at_ms[device] = batch.at_ms + policy.confirm_ms
        elif condition == LINK:
            self._state.unheard_at_ms[device] = batch.at_ms + policy.silence_ms
        elif condition == SILENCE:
            self._lose_communication(batch, device)

    def cleared(self, batch: EventBatch, device: str, condition: str) -> None:
        """Follow a condition of a device that has cleared; `batch` gets the events."""
        if condition == INPUT:
            self._state.confirm_at_ms.pop(device, None)
            self._end(batch, device, OUTAGE, CLEARED, f"the outage of {device} is over")
        elif condition == LINK:
            self._state.unheard_at_ms.pop(device, None)
        if condition in (SILENCE, LINK):
            self._restore_communication(batch, device)

    def due(self, batch: EventBatch) -> None:
        """Append the events of the deadlines up to the time of `batch`."""
        for device in _take_due(self._state.confirm_at_ms, batch.at_ms):
            self._confirm(batch, device)
        for device in _take_due(self._state.unheard_at_ms, batch.at_ms):
            self._lose_communication(batch, device)

    def _confirm(self, batch: EventBatch, device: str) -> None:
        policy = self._policies[device]
        lost = self._state.open[device][INPUT]
        text = f"input power of {device} has been lost for {policy.confirm_ms / 1000:g} s"
        data = {"condition": OUTAGE, "opens": True, "confirm_s": policy.confirm_ms / 1000}
        evidence = {"opened_by": lost.event_id}
        event_id = self._for_groups(batch, CONFIRMED, device, Severity.CRITICAL, text, data, evidence)
        self._state.open[device][OUTAGE] = Open(batch.at_ms, event_id, CONFIRMED, text, Severity.CRITICAL)

    def _lose_communication(self, batch: EventBatch, device: str) -> None:
        """A UPS in an outage is silent (requirements 5.6, N1); without an outage there is no event (N3)."""
        policy, known = self._policies[device], self._state.open.get(device, {})
        if INPUT not in known or COMMUNICATION in known:
            return
        text = f"nothing is heard of {device}, whose input power is lost: "
        text += "its servers are to be shut down" if policy.shutdown else "its servers go on"
        severity = Severity.CRITICAL if policy.shutdown else Severity.WARNING
        data = {"policy": "shutdown" if policy.shutdown else "continue", "condition": COMMUNICATION, "opens": True}
        event_id = self._for_groups(batch, COMMUNICATION_LOST, device, severity, text, data)
        known[COMMUNICATION] = Open(batch.at_ms, event_id, COMMUNICATION_LOST, text, severity)

    def _restore_communication(self, batch: EventBatch, device: str) -> None:
        known = self._state.open.get(device, {})
        if COMMUNICATION not in known or SILENCE in known or LINK in known:
            return
        self._end(batch, device, COMMUNICATION, COMMUNICATION_RESTORED, f"{device} is heard again")

    def _end(self, batch: EventBatch, device: str, condition: str, event_type: str, text: str) -> None:
        opened = self._state.open.get(device, {}).pop(condition, None)
        if opened is None or device not in self._policies:
            return
        data: dict[str, Any] = {"condition": condition, "clears": True, "opened_by": opened.event_id}
        data["lasted_s"] = (batch.at_ms - opened.since_ms) / 1000
        self._for_groups(batch, event_type, device, Severity.INFO, text, data)

    def _for_groups(
        self,
        batch: EventBatch,
        event_type: str,
        device: str,
        severity: Severity,
        text: str,
        data: Mapping[str, Any],
        evidence: Mapping[str, Any] = {},
    ) -> str:
        """Append one event for each power-control group of a UPS. Returns the identifier of the last."""
        event_id = ""
        for group in self._policies[device].groups or ("",):
            event_id = batch.append(event_type, device, severity, text, {"group": group or None, **data}, evidence)
        return event_id


def _take_due(deadlines: dict[str, int], at_ms: int) -> list[str]:
    """Remove the deadlines up to `at_ms`; their devices, earliest first."""
    due = [
        device
        for deadline, device in sorted((deadline, device) for device, deadline in deadlines.items())
        if deadline <= at_ms
    ]
    for device in due:
        del deadlines[device]
    return due
