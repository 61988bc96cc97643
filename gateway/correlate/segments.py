"""Devices that fall silent together because what connects them is dead: one event for the segment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

SMALLEST = 2  # devices that make a segment


class Waiting(msgspec.Struct):
    """An event of a device's silence, delayed as the rest of its segment may be silent, too."""

    until_ms: int
    type: str
    severity: str
    text: str


class SegmentState(msgspec.Struct):
    """State of all segments. `lost` maps each silent segment to the event of its loss; `waiting` is by device."""

    lost: dict[str, str] = {}
    waiting: dict[str, Waiting] = {}


class Segments:
    """Segments of a site. `behind` maps devices to segments; a single device makes none."""

    def __init__(self, behind: Mapping[str, str], wait_ms: int, state: SegmentState) -> None:
        self._members: dict[str, list[str]] = {}
        for device, segment in behind.items():
            self._members.setdefault(segment, []).append(device)
        self._segment = {
            device: segment
            for segment, devices in self._members.items()
            if len(devices) >= SMALLEST
            for device in devices
        }
        self._wait_ms = wait_ms
        self._state = state
        for device in set(state.waiting) - set(self._segment):
            del state.waiting[device]
        for segment in set(state.lost) - set(self._segment.values()):
            del state.lost[segment]

    def of(self, device: str) -> str:
        """The segment of a device; empty when it has none."""
        return self._segment.get(device, "")

    def members(self, segment: str) -> list[str]:
        """All devices of a segment, sorted by name."""
        return sorted(self._members[segment])

    def delay(self, device: str, at_ms: int, event_type: str, severity: str, text: str) -> None:
        """Hold the event of a device's silence back until the rest of its segment is known to answer or not."""
        self._state.waiting[device] = Waiting(at_ms + self._wait_ms, event_type, severity, text)

    def withdraw(self, device: str) -> bool:
        """Drop the delayed event of a device that answers again; False when there is none."""
        return self._state.waiting.pop(device, None) is not None

    def mark_lost(self, segment: str, event_id: str) -> None:
        """Count a whole segment as silent; `event_id` is the event that says so."""
        self._state.lost[segment] = event_id
        for device in self._members[segment]:
            self._state.waiting.pop(device, None)

    def lost_by(self, segment: str) -> str:
        """Identifier of the event of a segment's loss; empty while it is not lost."""
        return self._state.lost.get(segment, "")

    def mark_restored(self, segment: str) -> None:
        """Count a lost segment as answering again."""
        del self._state.lost[segment]

    def deadline_ms(self) -> int | None:
        """Unix time at which the next delayed event is due; None when there is none."""
        return min((waiting.until_ms for waiting in self._state.waiting.values()), default=None)

    def due(self, at_ms: int) -> list[tuple[str, Waiting]]:
        """Remove and return the delayed events whose time has come, with their devices."""
        ended = sorted(item for item in self._state.waiting.items() if item[1].until_ms <= at_ms)
        for device, _ in ended:
            del self._state.waiting[device]
        return ended
