"""The part of the pytest plugin that starts a rig, on the loop that pytest-asyncio runs its test on."""

from __future__ import annotations

import asyncio
import inspect
import unittest
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from ridethrough.rigs.testing.markers import TRANSCRIPT, wanted

if TYPE_CHECKING:
    from ridethrough import GatewayClient, Rig


def starter(request: pytest.FixtureRequest) -> str:
    """The name of the fixture that starts a rig for this test. Raises UsageError with what the test has to change."""
    test = request.node
    if asyncio._get_running_loop() is not None:  # noqa: SLF001  # the public one raises
        raise pytest.UsageError(
            "a rig cannot start while the test runs: name the fixture as an argument of the test, or in usefixtures"
        )
    if isinstance(request.instance, unittest.IsolatedAsyncioTestCase):
        raise pytest.UsageError("a rig stands still beside the loop of unittest: make the test a function of pytest")
    if inspect.iscoroutinefunction(getattr(test, "obj", None)) and not pytest_asyncio.is_async_test(test):
        raise pytest.UsageError("a rig needs a test that pytest-asyncio runs: mark it with pytest.mark.asyncio")
    marker = test.get_closest_marker("asyncio")
    options = {} if marker is None else marker.kwargs
    scope = options.get("loop_scope") or options.get("scope") or test.config.getini("asyncio_default_test_loop_scope")
    return f"ridethrough_on_{scope}_loop"


def starting(scope: Any) -> Any:
    """The fixture that starts a rig where the loop of the test has this scope: pytest-asyncio fixes it beforehand."""

    @pytest_asyncio.fixture(name=f"ridethrough_on_{scope}_loop", loop_scope=scope)
    async def start(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Rig, GatewayClient]]:
        from ridethrough.emulators.faces.bind_error import BindError
        from ridethrough.rigs.clock import UnpacedError, paced
        from ridethrough.rigs.rigfile.yaml import FileError
        from ridethrough.rigs.testing.session import running

        try:
            asked = wanted(request.node)
            speed: Any = asked.speed
            with paced(asyncio.get_running_loop(), speed):
                async with running(asked.rig, speed, asked.patch, asked.start) as (rig, gateway):
                    request.node.stash[TRANSCRIPT] = rig.transcript
                    yield rig, gateway
        except (pytest.UsageError, UnpacedError, FileError, BindError) as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    return start


on_function = starting("function")
on_class = starting("class")
on_module = starting("module")
on_package = starting("package")
on_session = starting("session")
