"""Recoveries: faults for which BMCs hold their actions, the six steps with their times, and the end of the wait.

Steps 1 and 2, the fault and its notice, carry the BMC's own time; the others are those of the gateway's journal. The
gateway does not see what a controller does between start and end; it may say so with the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from ridethrough.gateway.records import Occurrence
from ridethrough.gateway.vocabulary import EventType

NOTICE: Final = EventType.BMC_NOTICE.value
START: Final = EventType.RECOVERY_STARTED.value
END: Final = EventType.RECOVERY_ENDED.value
FAULT, RECEIVED, STARTED, ENDED = "fault", "received", "started", "ended"
MARGIN_MS = 1000  # a trap takes its time; the BMC itself decides


class HeldAction(msgspec.Struct):
    """A fault that a BMC holds its action for. `steps` are Unix milliseconds by the step's name."""

    incident: int
    event_id: str
    expires_ms: int
    steps: dict[str, int]


class BmcPolicy(NamedTuple):
    """Times that a BMC waits for the start of a recovery, and for its end."""

    start_ms: int
    end_ms: int


class Recoveries:
    """Follows the recoveries of the BMCs in `policies`. `held` is the state, by BMC; the correlator keeps it."""

    def __init__(self, held: dict[str, HeldAction], policies: Mapping[str, BmcPolicy]) -> None:
        self._held = held
        self._policies = policies
        for device in set(held) - set(policies):
            del held[device]  # it has left the site

    def annotate(self, signal: Occurrence, at_ms: int) -> dict[str, Any]:
        """Data that the event of a recovery's step carries in addition: all steps so far. Changes nothing."""
        held = self._held.get(signal.device) if self._held else None
        if held is None or signal.type not in (START, END) or held.incident != signal.data["incident"]:
            return {}
        steps = {**held.steps, STARTED if signal.type == START else ENDED: at_ms}
        return {"steps": times(steps), "opened_by": held.event_id}

    def track(self, signal: Occurrence, event_id: str, at_ms: int) -> None:
        """Begin, extend or end the wait of a BMC, as the emitted event `event_id` says."""
        policy = self._policies.get(signal.device)
        held = self._held.get(signal.device)
        if signal.type == NOTICE and policy is not None and signal.data.get("waits"):
            if held is None:
                steps = {RECEIVED: at_ms}
                if signal.data.get("bmc_time_s") is not None:
                    steps = {FAULT: signal.data["bmc_time_s"] * 1000, **steps}
                expires = at_ms + policy.start_ms + MARGIN_MS
                self._held[signal.device] = HeldAction(signal.data["incident"], event_id, expires, steps)
        elif signal.type == START and held is not None and held.incident == signal.data["incident"]:
            held.steps.setdefault(STARTED, at_ms)
            held.expires_ms = at_ms + signal.data["granted_s"] * 1000 + MARGIN_MS
        elif signal.type == END:
            self._held.pop(signal.device, None)

    def expired(self, at_ms: int) -> Iterator[tuple[str, HeldAction]]:
        """Remove and return the faults whose recovery did not start or end in time, with their BMCs."""
        for device, held in sorted(self._held.items()):
            if held.expires_ms <= at_ms:
                yield device, self._held.pop(device)


def times(steps: Mapping[str, int]) -> dict[str, str]:
    """The steps with their times in RFC 3339, to the millisecond."""
    return {
        name: datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for name, at_ms in steps.items()
    }
