from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bmcs import rig
from tests.support.live import Live, running, sample


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The pair rig, ten times as fast as the wall clock, shared by the tests of a module."""
    folder: Path = tmp_path_factory.mktemp("rig")
    with running(sample("a1080a-pair.yaml"), folder) as live:
        yield live


@pytest.fixture(scope="module")
def bmcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Eighteen BMCs, shared by the tests of a module."""
    with running(rig(), tmp_path_factory.mktemp("rig")) as live:
        yield live
