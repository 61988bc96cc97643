"""Sinks: one module each, found here by its `SINK`, the model of the sink's keys in a site file.

A subclass of `base.SinkConfig` has a `type` that no other has, and `build` makes the sink of it. The server-sent events
are listed among them for their keys; they have no cursor and are not built from here.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from ridethrough.gateway.deliver.sinks.base import SinkConfig
from ridethrough.gateway.deliver.sinks.sse import SseConfig


def _found() -> list[type[SinkConfig | SseConfig]]:
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return [module.SINK for module in modules if hasattr(module, "SINK")]


if TYPE_CHECKING:
    AnySink = SinkConfig | SseConfig
else:
    AnySink = Annotated[Union[tuple(_found())], Field(discriminator="type")]  # noqa: UP007  # made at run time

__all__ = ["AnySink", "SinkConfig", "SseConfig"]
