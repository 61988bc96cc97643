"""Fixtures of the pytest plugin, for projects that have pytest-asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from ridethrough.rigs.pytest_plugin import STORY, wanted

if TYPE_CHECKING:
    from ridethrough.rigs.testing import GatewayClient, Rig, RigClock


@pytest_asyncio.fixture(name="ridethrough_running", loop_scope="function")
async def _running(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Rig, GatewayClient]]:
    from ridethrough.emulators.faces.bind import BindError
    from ridethrough.rigs.files import FileError
    from ridethrough.rigs.testing import running

    asked = wanted(request.node)
    speed: Any = asked.speed
    try:
        async with running(asked.rig, speed, asked.patch, asked.start) as (rig, gateway):
            request.node.stash[STORY] = rig.story
            yield rig, gateway
    except (FileError, BindError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def rig(ridethrough_running: tuple[Rig, GatewayClient]) -> Rig:
    """The running rig of this test: `do`, `expect`, `state` and where its devices answer."""
    return ridethrough_running[0]


@pytest.fixture
def gateway(ridethrough_running: tuple[Rig, GatewayClient]) -> GatewayClient:
    """The HTTP interface of the rig's gateway."""
    return ridethrough_running[1]


@pytest.fixture
def clock(ridethrough_running: tuple[Rig, GatewayClient]) -> RigClock:
    """The rig's time."""
    return ridethrough_running[0].clock
