"""Kinds of sinks are found by their modules: nothing else names them."""

from __future__ import annotations

import pkgutil
from contextlib import suppress
from importlib import import_module
from itertools import product
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from ridethrough.gateway.deliver import sinks
from ridethrough.gateway.deliver.sinks import AnySink, SinkConfig
from ridethrough.gateway.deliver.sinks.base import SinkContext

MODULES = sorted(found.name for found in pkgutil.iter_modules(sinks.__path__) if found.name != "base")
SITE_SINK: TypeAdapter[Any] = TypeAdapter(AnySink)
VALUES = ("127.0.0.1", "127.0.0.1:514", "http://127.0.0.1/", 514, ("/bin/true",))


def least(name: str) -> Any:
    """A configuration of a kind with the keys that it must have, each with the first values that it takes."""
    fields = import_module(f"{sinks.__name__}.{name}").SINK.model_fields
    required = [key for key, field in fields.items() if field.is_required() and key != "type"]
    for values in product(VALUES, repeat=len(required)):
        with suppress(ValidationError):
            return SITE_SINK.validate_python({"type": name, **dict(zip(required, values, strict=True))})
    raise AssertionError(f"none of VALUES suits {name}: {required}")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_the_kind_of_its_name(name: str) -> None:
    config = least(name)
    assert type(config) is import_module(f"{sinks.__name__}.{name}").SINK
    assert get_args(type(config).model_fields["type"].annotation) == (name,)
    assert isinstance(config, SinkConfig) is (name != "sse")  # whose clients keep their own place


@pytest.mark.parametrize("name", [name for name in MODULES if name != "sse"])
async def test_a_kind_is_built_of_its_least_keys_without_a_connection(name: str) -> None:
    config = least(name)
    sink = config.build(SinkContext("sinks.a", lambda: 0))
    assert sink.lanes >= 1
    await sink.close()


def test_a_kind_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match=", ".join(f"'{name}'" for name in MODULES)):
        SITE_SINK.validate_python({"type": "mail"})
