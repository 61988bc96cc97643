"""Stand-in controllers: one module or folder each, found here.

They use the gateway's public interface and the servers' lab agents and nothing else, so that a real product or the
program under test can take the place of any of them. A module has `Config` and `Stand`, see `base`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from ridethrough.rigs.controllers.base import Controller, ControllerConfig

SHARED = frozenset({"base", "desk", "failover", "waiting"})  # no controllers, but what they are made of


def _found() -> dict[str, Any]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name not in SHARED)
    return {name: import_module(f"{__name__}.{name}") for name in names}


_MODULES = _found()
CONTROLLERS: dict[str, type[Controller[Any]]] = {name: module.Stand for name, module in _MODULES.items()}

if TYPE_CHECKING:
    AnyController = ControllerConfig
else:
    AnyController = Annotated[
        Union[tuple(module.Config for module in _MODULES.values())],  # noqa: UP007  # made at run time
        Field(discriminator="type"),
    ]

__all__ = ["CONTROLLERS", "AnyController", "Controller", "ControllerConfig"]
