"""Selects the events that a sink gets, by type, device and severity."""

from __future__ import annotations

from collections.abc import Collection

from ridethrough.gateway.records import Event, Severity

ORDER = {severity.value: number for number, severity in enumerate(Severity)}
EVERYTHING_BELOW = ".*"


class Filter:
    """An event passes that is of one of the types, of one of the devices, and severe enough. Empty means all."""

    def __init__(
        self, types: Collection[str] = (), devices: Collection[str] = (), least: Severity = Severity.INFO
    ) -> None:
        self._any = not types or "*" in types
        self._exact = frozenset(types)
        self._below = tuple(name.removesuffix("*") for name in types if name.endswith(EVERYTHING_BELOW))
        self._devices = frozenset(devices)
        self._least = ORDER[least.value]

    def passes(self, event: Event) -> bool:
        """True for an event that the sink gets; one of unknown severity counts as severe enough."""
        if not (self._any or event.type in self._exact or event.type.startswith(self._below)):
            return False
        if self._devices and event.subject not in self._devices:
            return False
        return ORDER.get(event.data.get("severity", ""), self._least) >= self._least
