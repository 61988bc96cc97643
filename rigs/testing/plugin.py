"""The pytest plugin: a running rig as a fixture, in time that jumps unless a test wants the wall clock.

Kept light, because pytest loads it in every project of an environment that has Ridethrough. It takes part in nothing
but the tests whose fixtures are these; what a rig needs is imported with the first of them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from ridethrough.rigs.testing.markers import TRANSCRIPT, USAGE

if TYPE_CHECKING:
    from ridethrough import GatewayClient, Rig, RigClock


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini key `ridethrough_rig`."""
    parser.addini(
        "ridethrough_rig", "rig of tests that name none, by its file, from here, or its name", default="rig.yaml"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `ridethrough`."""
    config.addinivalue_line("markers", USAGE)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Add the short names that no other plugin has. What conftest files define comes later, and goes before."""
    if pytest.version_tuple < (8, 4):  # it does not show which fixtures a plugin has
        return
    others = {name for plugin in early_config.pluginmanager.get_plugins() for name in fixture_names(plugin)}
    module = ModuleType("ridethrough short names")
    vars(module).update({name: fixture for name, fixture in SHORT_NAMES.items() if name not in others})
    early_config.pluginmanager.register(module, "ridethrough-short-names")


def fixture_names(plugin: object) -> Iterator[str]:
    """The fixtures that a plugin, a module or an object, brings with it."""
    for place in (plugin, *type(plugin).__mro__):
        for value in list(getattr(place, "__dict__", {}).values()):
            if type(value) is type(ridethrough_rig):
                yield value.name


@pytest.fixture
def ridethrough_running(request: pytest.FixtureRequest) -> tuple[Rig, GatewayClient]:
    """The rig of this test and the client of its gateway, started on the loop that runs the test."""
    try:
        name = starter(request)
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    running: tuple[Rig, GatewayClient] = request.getfixturevalue(name)
    return running


def starter(request: pytest.FixtureRequest) -> str:
    """The name of the fixture that starts the rig. Raises UsageError with what has to change for it."""
    plugins = request.config.pluginmanager
    if not plugins.hasplugin("asyncio"):
        raise pytest.UsageError("a rig needs pytest-asyncio: pip install 'ridethrough[test]'")
    import pytest_asyncio

    version = pytest_asyncio.__version__
    if tuple(int(part) for part in version.split(".")[:2]) < (1, 1):  # it takes no fixture that comes after collection
        raise pytest.UsageError(f"a rig needs pytest-asyncio 1.1 or newer, not {version}")
    plugins.import_plugin("ridethrough.rigs.testing.fixtures")
    from ridethrough.rigs.testing import fixtures as pytest_fixtures

    return pytest_fixtures.starter(request)


@pytest.fixture
def ridethrough_rig(ridethrough_running: tuple[Rig, GatewayClient]) -> Rig:
    """The running rig of this test: `do`, `expect`, `state` and where its devices answer."""
    return ridethrough_running[0]


@pytest.fixture
def ridethrough_gateway(ridethrough_running: tuple[Rig, GatewayClient]) -> GatewayClient:
    """The HTTP interface of the rig's gateway."""
    return ridethrough_running[1]


@pytest.fixture
def ridethrough_clock(ridethrough_running: tuple[Rig, GatewayClient]) -> RigClock:
    """The rig's time."""
    return ridethrough_running[0].clock


def _short(name: str) -> Any:
    def fixture(request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(f"ridethrough_{name}")

    fixture.__doc__ = f"The same as `ridethrough_{name}`, where no other plugin has a fixture of this name."
    return pytest.fixture(name=name)(fixture)


SHORT_NAMES = {name: _short(name) for name in ("rig", "gateway", "clock")}


@pytest.hookimpl(hookwrapper=True)  # the form that every pytest knows
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """A failure comes with what the rig had seen."""
    outcome = yield
    transcript = item.stash.get(TRANSCRIPT, None)
    if transcript is not None and (report := outcome.get_result()).failed:
        report.sections.append(("what the rig saw", transcript() or "nothing"))
