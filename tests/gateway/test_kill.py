"""kill -9 of the gateway while informs and traps pour in; `make soak` does it fifty times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.campaign import campaign


@pytest.mark.timeout(300)
def test_five_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    outcome = campaign(tmp_path, kills=5, seed=1)
    assert outcome.acknowledged > 500
