from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.clients import PATH
from tests.support.isolation import own_network

settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

COMPILED = Path(__file__).parents[1] / ".venv" / "compiled"
COMPILED_FIRST = "--compiled -o pythonpath='.venv/compiled .'"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--compiled", action="store_true", help="refuse to test anything but the result of `make compiled`"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ["PATH"] = PATH
    if "PYTEST_XDIST_WORKER" in os.environ and config.getoption("markexpr") != "network":
        own_network()
    if not config.getoption("--compiled"):
        return
    for name in ("ridethrough.wire.ipmi.endpoint", "ridethrough.wire.ipmi.algorithms", "ridethrough.wire.primitives"):
        place = str(import_module(name).__file__)
        if not (place.startswith(str(COMPILED)) and place.endswith(".so")):
            # Our plugin is imported before this file, so the path comes from the command line.
            raise pytest.UsageError(f"{name} comes from {place}: make compiled, then pytest {COMPILED_FIRST}")
    # Rigs in processes of their own take the compiled modules, too.
    os.environ |= {"PYTHONPATH": str(COMPILED), "PYTHONSAFEPATH": "1"}


@pytest.fixture(autouse=True)
def _log_as_at_first() -> Iterator[None]:
    """A verb run inside the process of the tests sends the log to the standard error of that test, which is closed later."""
    yield
    structlog.reset_defaults()
