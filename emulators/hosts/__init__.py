"""Devices on the network: the sockets of each, and what runs between a socket and a face.

A module here has `HOSTS`: by a device's `kind`, the class that puts one on the network. Devices without any are not
on it.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from ridethrough.emulators.hosts.links import HostContext
from ridethrough.emulators.kernel.instant import Instant


class DeviceHost(Protocol):
    """A device on the network."""

    @property
    def counters(self) -> Counter[str]:
        """Counts of its faces, by the names under which they are reported."""

    async def start(self) -> None:
        """Bind everything. Raises BindError."""

    async def stop(self) -> None:
        """Close everything that was bound."""

    def flush(self, now: Instant) -> None:
        """Send what is due."""

    def next_deadline(self) -> Instant | None:
        """Return when `flush` must be called next, if the device never changes before."""


HostMaker = Callable[[Any, HostContext], DeviceHost]


def _found() -> dict[str, HostMaker]:
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {kind: host for module in modules for kind, host in getattr(module, "HOSTS", {}).items()}


HOSTS = _found()

__all__ = ["HOSTS", "DeviceHost", "HostContext"]
