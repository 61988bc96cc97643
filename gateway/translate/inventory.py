"""Which device an address belongs to, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """A device of the site. `keywords` map receive addresses to the monitors that listen there for its server."""

    name: str
    kind: str
    address: str
    server: str = ""
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    engine: str = ""  # identifier of its SNMP engine, in hexadecimal; empty when it is not known


class Inventory:
    """Devices by address."""

    def __init__(self, devices: Iterable[Known]) -> None:
        self._by_address = {device.address: device for device in devices}
        self._by_engine = {device.engine: device for device in self._by_address.values() if device.engine}
        self._by_name = {device.name: device for device in self._by_address.values()}

    def find(self, source: str, agent: str, *, relayed: bool = False, engine: str = "") -> Known | None:
        """The sender of a notification: by its UDP source, else by the address it names; relayed, by that first."""
        if engine and (known := self._by_engine.get(engine)) is not None:
            return known  # behind any address
        first, second = (agent, source) if relayed and agent else (source, agent)
        return self._by_address.get(first) or self._by_address.get(second)

    def named(self, name: str) -> Known | None:
        return self._by_name.get(name)
