"""The types of devices: the folders of `devices/` that have a `DEVICE_TYPE`. Supplies and BMCs come with servers."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from ridethrough.emulators import devices
from ridethrough.emulators.bindings.device_types import DeviceType


def _found() -> tuple[DeviceType[Any], ...]:
    modules = (import_module(f"{devices.__name__}.{found.name}") for found in pkgutil.iter_modules(devices.__path__))
    types = (module.DEVICE_TYPE for module in modules if hasattr(module, "DEVICE_TYPE"))
    return tuple(sorted(types, key=lambda device_type: (device_type.position, device_type.key)))


DEVICE_TYPES = _found()
"""In the order of the reference."""
