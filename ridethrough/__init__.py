"""Ridethrough: emulated UPS cards and BMCs with the plant around them, and a gateway that loses no notification.

What this module offers is the public interface of the package; the parts below it may change between releases.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ridethrough.rigs.testing.session import GatewayClient, Rig, RigClock, running

__version__ = "0.1.0"
__all__ = ["GatewayClient", "Rig", "RigClock", "__version__", "running"]


def __getattr__(name: str) -> Any:
    """Import what a running rig needs with its first use: the pytest plugin is loaded in projects that want no rig."""
    if name in __all__:
        return getattr(import_module("ridethrough.rigs.testing.session"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
