"""Devices that fall silent together because what they hang on is dead: one event, not ten."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

SMALLEST = 2  # devices that make a segment


class Waiting(msgspec.Struct):
    """A device's silence that is not told yet, as the rest of its segment may be silent, too."""

    until_ms: int
    type: str
    severity: str
    text: str


class SegmentState(msgspec.Struct):
    """`lost` maps each segment that is silent to the event that said so; `waiting` is by device."""

    lost: dict[str, str] = {}
    waiting: dict[str, Waiting] = {}


class Segments:
    """Who hangs on what. `behind` maps devices to segments; a single device makes none."""

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
        return sorted(self._members[segment])

    def wait(self, device: str, at_ms: int, event_type: str, severity: str, text: str) -> None:
        """Let a device's silence wait for the others'."""
        self._state.waiting[device] = Waiting(at_ms + self._wait_ms, event_type, severity, text)

    def heard(self, device: str) -> bool:
        """Note that a device is heard; True when its silence had not been told."""
        return self._state.waiting.pop(device, None) is not None

    def lose(self, segment: str, event_id: str) -> None:
        """The whole segment is silent, which `event_id` says."""
        self._state.lost[segment] = event_id
        for device in self._members[segment]:
            self._state.waiting.pop(device, None)

    def lost_by(self, segment: str) -> str:
        """The event that told the loss of a segment; empty while it is not lost."""
        return self._state.lost.get(segment, "")

    def find(self, segment: str) -> str:
        """The segment is heard again; the event that told its loss."""
        return self._state.lost.pop(segment)

    def deadline_ms(self) -> int | None:
        """When the next silence has waited long enough."""
        return min((waiting.until_ms for waiting in self._state.waiting.values()), default=None)

    def due(self, at_ms: int) -> list[tuple[str, Waiting]]:
        """Silences to be told after all, with their devices; forgotten here."""
        ended = sorted(item for item in self._state.waiting.items() if item[1].until_ms <= at_ms)
        for device, _ in ended:
            del self._state.waiting[device]
        return ended
