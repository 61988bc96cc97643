"""Devices of the site by address, by SNMP engine and by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device of the site. `keywords` map receive addresses to the monitors that listen there for its server."""

    name: str
    kind: str
    address: str
    server: str = ""
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    engine: str = ""  # identifier of its SNMP engine, in hexadecimal; empty when it is not known


class Inventory:
    """Finds devices. Two devices never have the same address."""

    def __init__(self, devices: Iterable[KnownDevice]) -> None:
        self._by_address = {device.address: device for device in devices}
        self._by_engine = {device.engine: device for device in self._by_address.values() if device.engine}
        self._by_name = {device.name: device for device in self._by_address.values()}

    def find(self, source: str, agent: str, *, relayed: bool = False, engine: str = "") -> KnownDevice | None:
        """Find the sender of a notification by its engine, by its UDP source, or by the address it names (`agent`).

        Of a relayed one the address it names comes before the source. None for an unknown sender.
        """
        if engine and (known := self._by_engine.get(engine)) is not None:
            return known  # behind any address
        first, second = (agent, source) if relayed and agent else (source, agent)
        return self._by_address.get(first) or self._by_address.get(second)

    def named(self, name: str) -> KnownDevice | None:
        """The device of that name; None when it has left the site."""
        return self._by_name.get(name)
