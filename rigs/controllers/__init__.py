"""Stand-in controllers: one module or folder each, found here by its `CONTROLLER`.

They act through the gateway's public interface and the lab interface of the emulators, both over HTTP; what a person
would have configured, the plant and its topology, comes from the rig file (`base.ControllerContext`). A real product or
the program under test can take the place of any of them. A module without `CONTROLLER` is a helper.
`CONTROLLER` is a subclass of `base.Controller`, whose `config_class` has the keys of a rig file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Annotated, Any, Union, get_args

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from ridethrough.rigs.controllers.base import Controller, ControllerConfig


def _found() -> dict[str, type[Controller[Any]]]:
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    found = {_type_of(module.CONTROLLER): module.CONTROLLER for module in modules if hasattr(module, "CONTROLLER")}
    return dict(sorted(found.items()))


def _type_of(controller: type[Controller[Any]]) -> str:
    (name,) = get_args(controller.config_class.model_fields["type"].annotation)
    return str(name)


CONTROLLERS = _found()


class _OneOfThem:
    """Lets pydantic read the configuration class that the key `type` names."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        classes = tuple(controller.config_class for controller in CONTROLLERS.values())
        return handler.generate_schema(Annotated[Union[classes], Field(discriminator="type")])  # noqa: UP007


AnyController = Annotated[ControllerConfig, _OneOfThem()]
"""The keys of any controller that was found, as a rig file has them."""

__all__ = ["CONTROLLERS", "AnyController", "Controller", "ControllerConfig"]
